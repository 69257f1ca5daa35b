"""The picture of the explorer in the docs, in a real browser.

python -m benchmarks.explorer_picture docs/explore.png --draws 2
"""

from __future__ import annotations

import shutil
from pathlib import Path

import click

from erf.sources import Choice
from figures.explorer import ByName, explore


@click.command()
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--models", default="late")
@click.option("--layer", default="fc7")
@click.option("--draws", default=2)
@click.option("--width", default=1400)
@click.option("--patience", default=600, help="Seconds to wait for the last draw.")
def main(out: Path, models: str, layer: str, draws: int, width: int, patience: int) -> None:
    """Write OUT, a PNG."""
    from matplotlib import cbook
    from playwright.sync_api import sync_playwright

    names = tuple(models.split(","))
    photo = Path(cbook.get_sample_data("grace_hopper.jpg", asfileobj=False))
    order = ByName(Choice(), names, photo, None, Path("unused"), layer)
    with explore(order) as explorer, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": width, "height": 900})
        page.set_default_timeout(1000 * patience)
        page.goto(explorer.address)
        for side in range(len(names)):
            done = f"#panel{side}[data-draws='{draws}']"
            page.wait_for_selector(done, timeout=1000 * patience)
        page.wait_for_timeout(1000)
        page.screenshot(path=out, full_page=True)
        browser.close()


if __name__ == "__main__":
    main()
