"""``erf convert``: the weights of somebody else's network as a checkpoint of ours."""

from __future__ import annotations

from pathlib import Path

import click

VARIANT_HELP = "parsenet, fcn32s, fcn16s, fcn8s or vgg16."


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--variant", required=True, metavar="NAME", help=VARIANT_HELP)
@click.option(
    "--input",
    "space",
    metavar="SPACE",
    help="What it takes in: caffe, imagenet, unit or grey.  [default: usual for such files]",
)
@click.option(
    "--out", type=click.Path(path_type=Path), help="New .safetensors file.  [default: FILE's name]"
)
def convert(file: Path, variant: str, space: str | None, out: Path | None) -> None:
    """Turn FILE, a .caffemodel or a state dict, into a checkpoint that is probed and scored.

    Such as VGG_VOC2012ext.caffemodel as parsenet, VGG_ILSVRC_16_layers.caffemodel as vgg16,
    fcn8s-heavy-pascal.caffemodel as fcn8s. Prints what became of each tensor.
    """
    from cli.arguments.file import claim_file
    from parsenet import convert as converted
    from parsenet import save_checkpoint
    from parsenet.pretrained.spaces import named_space

    place = claim_file(out or Path(f"{file.stem}.safetensors"), [".safetensors"])
    found = converted(file, variant, input_space=named_space(space) if space else None)
    save_checkpoint(found.checkpoint, place)
    click.echo(found.transplant.report())
    for note in found.notes:
        click.echo(f"note: {note}")
    click.echo(f"{place}  probe it: erf probe {place} --layer conv5_3")
