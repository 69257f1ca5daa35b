import numpy as np
from PIL import Image

from parsenet.palette import extended, voc_palette, write_labels

# VOC's development kit, and every label PNG of the data set.
PUBLISHED = {
    0: (0, 0, 0),
    1: (128, 0, 0),
    2: (0, 128, 0),
    3: (128, 128, 0),
    4: (0, 0, 128),
    8: (64, 0, 0),
    15: (192, 128, 128),
    16: (0, 64, 0),
    20: (0, 64, 128),
    64: (32, 0, 0),
    255: (224, 224, 192),
}


def test_the_colours_are_vocs():
    palette = voc_palette()
    assert palette.shape == (256, 3)
    assert {label: tuple(map(int, palette[label])) for label in PUBLISHED} == PUBLISHED


def test_no_two_labels_share_a_colour():
    assert len(np.unique(voc_palette(), axis=0)) == 256


def test_a_short_palette_is_black_beyond_its_end():
    palette = extended([(1, 2, 3), (4, 5, 6)])
    assert palette[:2].tolist() == [[1, 2, 3], [4, 5, 6]]
    assert not palette[2:].any()


def test_labels_are_written_as_voc_writes_them(tmp_path):
    label = np.arange(256, dtype=np.uint8).reshape(16, 16)
    write_labels(label, tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as image:
        assert image.mode == "P"
        np.testing.assert_array_equal(np.array(image), label)
        np.testing.assert_array_equal(np.array(image.convert("RGB")), voc_palette()[label])
