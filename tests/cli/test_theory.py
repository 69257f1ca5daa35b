"""``erf theory``: what is printed, and that it fits."""

import csv
import io
import json

import pytest
from click.testing import CliRunner, Result
from torch import nn

import erf
from cli.theory import theory
from erf.theoretical import table_lines


def run(*arguments: str) -> Result:
    return CliRunner().invoke(theory, list(arguments))


SMALL = ("--image-size", "64,96")


def test_whole_table_fits_eighty_columns():
    result = run("resnet18", *SMALL)
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0] == "resnet18 at 64 x 96, pixels (rows x columns where they differ)"
    row = next(line for line in lines if line.startswith("layer3 "))
    assert row.split() == ["layer3", "4x6", "211", "16", "105", "exact"]
    assert lines[-1] == "whole image by aten.adaptive_avg_pool2d"


def test_every_cell_where_rows_and_columns_differ():
    network = nn.Sequential(
        nn.Conv2d(3, 4, (3, 5), stride=(1, 2), padding=(1, 2)), nn.AdaptiveAvgPool2d(1)
    )
    head, *lines = table_lines(erf.theory(network, image_size=(20, 24)))
    assert head.split() == ["layer", "units", "size", "stride", "padding", "status"]
    # By hand: the first output reads rows -1..1 and columns -2..2, the next column two further.
    assert lines[0].split() == ["0", "20x12", "3x5", "1x2", "1x2", "exact"]
    assert lines[1].split()[:2] == ["1", "1"]
    assert lines[1].split()[3:] == ["-", "-", "whole", "image"]
    assert lines[2] == "whole image by aten.adaptive_avg_pool2d"


def test_one_unit_checked():
    result = run("resnet18", "--layer", "layer1", "--unit", "7,7", "--check", *SMALL)
    assert result.exit_code == 0, result.output
    lines = [line.split(maxsplit=1) for line in result.output.splitlines()[1:]]
    assert dict(lines) == {
        "units": "16 x 24",
        "size": "43 x 43 pixels",
        "stride": "4 x 4",
        "padding": "21 x 21",
        "status": "exact",
        "unit": "7,7",
        "rows": "7 to 49 of the image (43)",
        "columns": "7 to 49 of the image (43)",
        "unclipped": "rows 7 to 49, columns 7 to 49",
        "read": "1849 of the 1849 pixels of that box",
        "check": "NaN probing of this unit equals the boxes above",
    }


def test_nan_probing_alone():
    result = run("resnet18", "--layer", "maxpool", "--unit", "center", "--method", "nan", *SMALL)
    assert result.exit_code == 0, result.output
    assert "rows       27 to 37 of the image (11)" in result.output
    assert "unclipped" not in result.output


@pytest.mark.parametrize("size", [("--image-size", "64", "96"), ("--image-size", "64x96")])
def test_size_as_two_numbers(size: tuple[str, ...]):
    result = run("resnet18", "--depth", "1", "--csv", *size)
    assert "--depth are for the table" not in result.output
    rows = list(csv.DictReader(io.StringIO(result.output)))
    assert {"layer": "layer4", "units_rows": "2", "units_cols": "3"}.items() <= rows[-3].items()


def test_json():
    data = json.loads(run("resnet18", "--json", *SMALL).output)
    assert data["image_size"] == [64, 96]
    assert data["layers"][-1]["status"] == "whole_image"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--unit", "7,7"), "--unit, --check and --method nan need --layer"),
        (("--check",), "--unit, --check and --method nan need --layer"),
        (("--layer", "layer1", "--json"), "--csv, --json and --depth are for the table"),
        (("--layer", "layer1", "--unit", "max"), "unit 'max' is for probes"),
        (("--layer", "layer1", "--unit", "99,0"), "unit 99,0 is outside layer 'layer1'"),
        (("--layer", "layer9"), "no layer 'layer9' is called"),
    ],
)
def test_mistakes(arguments: tuple[str, ...], words: str):
    result = run("resnet18", *SMALL, *arguments)
    assert result.exit_code != 0
    assert words in result.output + str(result.exception)
