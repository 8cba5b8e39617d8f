"""Data sets: files on disk are read as they are, damaged ones refused; made shapes are the same."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from pattern_mlir.errors import PatternError
from pattern_mlir.pruning.data import ImageFolder, Samples, cifar10, cifar100, digits, shapes
from pattern_mlir.pruning.data.cifar import DEVIATION, MEAN
from pattern_mlir.pruning.data.shapes import CLASSES


def write_cifar10(folder: Path, count: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Write the set's files with ``count`` drawn images each; return all training records."""
    folder.mkdir(parents=True)
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 10, (5, count, 1), np.uint8)
    pixels = generator.integers(0, 256, (5, count, 3072), np.uint8)
    for index in range(5):
        records = np.concatenate([labels[index], pixels[index]], axis=1)
        (folder / f"data_batch_{index + 1}.bin").write_bytes(records.tobytes())
    (folder / "test_batch.bin").write_bytes(records.tobytes())
    (folder / "batches.meta.txt").write_text("\n".join(f"class{i}" for i in range(10)) + "\n\n")
    return labels.ravel(), pixels.reshape(-1, 3, 32, 32)


def test_cifar10_is_read_from_the_binary_version(tmp_path: Path) -> None:
    labels, pixels = write_cifar10(tmp_path / "cifar-10-batches-bin")
    samples = cifar10(tmp_path)
    assert samples.labels.tolist() == labels.tolist()
    assert samples.classes == tuple(f"class{i}" for i in range(10))
    mean, deviation = np.array(MEAN)[:, None, None], np.array(DEVIATION)[:, None, None]
    expected = (pixels / 255 - mean) / deviation
    np.testing.assert_allclose(samples.images.numpy(), expected, atol=1e-6)
    assert samples.images.dtype == torch.float32
    assert len(cifar10(tmp_path / "cifar-10-batches-bin", training=False)) == 3


def test_cifar100_has_the_fine_labels(tmp_path: Path) -> None:
    record = bytes([7, 93]) + bytes(3072)
    (tmp_path / "train.bin").write_bytes(2 * record)
    samples = cifar100(tmp_path)
    assert samples.labels.tolist() == [93, 93]
    assert len(samples.classes) == 100


def test_pickles_are_refused_unread(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, ...]:
            return (Path.touch, (tmp_path / "sprung",))

    (tmp_path / "cifar-10-batches-py").mkdir()
    (tmp_path / "cifar-10-batches-py" / "data_batch_1").write_bytes(pickle.dumps(Trap()))
    with pytest.raises(PatternError, match=r"pickles that can run any code .* binary version"):
        cifar10(tmp_path)
    assert not (tmp_path / "sprung").exists()


def test_missing_and_damaged_cifar_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(PatternError, match=r"no 'data_batch_1.bin'; unpack the binary version"):
        cifar10(tmp_path)
    write_cifar10(tmp_path / "a")
    file = tmp_path / "a" / "data_batch_3.bin"
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(PatternError, match=r"data_batch_3.bin' has 9218 bytes, not a multiple"):
        cifar10(tmp_path / "a")
    file.write_bytes(bytes([10]) + bytes(3072))
    with pytest.raises(PatternError, match="holds label 10, CIFAR-10 has 10 classes"):
        cifar10(tmp_path / "a")
    (tmp_path / "a" / "batches.meta.txt").write_text("cat\n")
    with pytest.raises(PatternError, match="names 1 classes"):
        cifar10(tmp_path / "a", training=False)


def write_pictures(root: Path) -> None:
    for name, colour in (("n02", (255, 0, 0)), ("n01", (0, 0, 255))):
        (root / name).mkdir(parents=True)
        Image.new("RGB", (60, 40), colour).save(root / name / "a.JPEG")
    Image.new("L", (20, 50), 128).save(root / "n01" / "b.png")
    (root / "n01" / "notes.txt").write_text("no picture")


def test_an_image_folder_labels_pictures_by_their_folders(tmp_path: Path) -> None:
    write_pictures(tmp_path)
    pictures = ImageFolder(tmp_path, size=28)
    assert pictures.classes == ("n01", "n02")
    assert [label for _, label in (pictures[index] for index in range(len(pictures)))] == [0, 0, 1]
    image, _ = pictures[2]
    assert image.shape == (3, 28, 28) and image.dtype == torch.float32
    red = torch.tensor([(1 - 0.485) / 0.229, -0.456 / 0.224, -0.406 / 0.225])
    torch.testing.assert_close(image.mean(dim=(1, 2)), red, atol=0.03, rtol=0)


def test_the_middle_of_a_picture_is_cut_out(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    picture = np.zeros((32, 96, 3), np.uint8)
    picture[:, 32:64] = 255
    Image.fromarray(picture).save(tmp_path / "a" / "b.png")
    image, _ = ImageFolder(tmp_path, size=28)[0]
    assert (image > 2).all()


def test_mistakes_in_an_image_folder_end_in_one_clear_line(tmp_path: Path) -> None:
    write_pictures(tmp_path / "train")
    (tmp_path / "val" / "n03").mkdir(parents=True)
    with pytest.raises(PatternError, match="is no folder"):
        ImageFolder(tmp_path / "test")
    with pytest.raises(PatternError, match="a folder of its own"):
        ImageFolder(tmp_path / "val" / "n03")
    with pytest.raises(PatternError, match="n03' holds no picture"):
        ImageFolder(tmp_path / "val")
    with pytest.raises(PatternError, match="n03' is no class of the other set"):
        ImageFolder(tmp_path / "val", classes=ImageFolder(tmp_path / "train").classes)
    (tmp_path / "val" / "n03" / "a.jpg").write_bytes(b"no jpeg")
    with pytest.raises(PatternError, match=r"a\.jpg' is no picture"):
        ImageFolder(tmp_path / "val")[0]


def test_digits_are_scikit_learns() -> None:
    samples = digits()
    assert samples.images.shape == (1797, 1, 8, 8)
    assert samples.images.min() == -1 and samples.images.max() == 1
    assert samples.labels.bincount().tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]


def test_shapes_depend_on_seed_and_index_alone() -> None:
    few, many, others = shapes(20, seed=3), shapes(40, seed=3), shapes(20, seed=4)
    assert torch.equal(few.images, many.images[:20])
    assert (few.images != others.images).flatten(1).any(dim=1).all()
    assert many.labels.bincount().tolist() == [4] * 10
    assert many.classes == CLASSES


def test_shapes_are_the_same_everywhere() -> None:
    """Sums of images as recorded: another machine, or numpy, must not make another set."""
    sums = shapes(3, seed=0).images.double().sum(dim=(1, 2, 3))
    torch.testing.assert_close(sums, torch.tensor(RECORDED, dtype=torch.float64), rtol=0, atol=0.05)


RECORDED = (142.85, -28.86, -55.72)


def test_noise_is_added_to_the_same_clean_image() -> None:
    clean, noisy = shapes(30, noise=0), shapes(30, noise=0.2)
    difference = noisy.images - clean.images
    assert float(difference.std()) == pytest.approx(0.2, rel=0.02)
    with pytest.raises(PatternError, match="at least one"):
        shapes(0)


def numbered(count: int) -> Samples:
    images = torch.arange(1.0, count + 1)[:, None, None, None] * torch.ones(1, 2, 5, 4)
    return Samples(images, torch.arange(count), tuple(map(str, range(count))))


def test_batches_hold_every_sample_once_and_follow_their_generator() -> None:
    samples = numbered(10)
    drawn = [list(samples.batches(4, torch.Generator().manual_seed(1))) for _ in range(2)]
    assert [len(labels) for _, labels in drawn[0]] == [4, 4, 2]
    for images, labels in drawn[0]:
        assert torch.equal(images[:, 0, 0, 0], labels + 1.0)
    assert torch.cat([labels for _, labels in drawn[0]]).sort().values.tolist() == list(range(10))
    for (one, _), (other, _) in zip(*drawn, strict=True):
        assert torch.equal(one, other)


def test_shifts_and_flips_move_pixels_and_change_none() -> None:
    image = torch.arange(1.0, 25).reshape(1, 1, 4, 6)
    samples = Samples(image.expand(200, 1, 4, 6), torch.zeros(200, dtype=torch.int64), ("a",))
    padded = torch.nn.functional.pad(image, (1, 1, 1, 1))
    possible = {
        view[..., y : y + 4, x : x + 6].flatten().tolist().__repr__()
        for view in (padded, padded.flip(3))
        for y in range(3)
        for x in range(3)
    }
    generator = torch.Generator().manual_seed(0)
    (batch,) = [images for images, _ in samples.batches(200, generator, shift=1, flip=True)]
    found = {one.flatten().tolist().__repr__() for one in batch}
    assert found == possible


def test_a_subset_keeps_its_order() -> None:
    subset = numbered(5).subset([3, 0])
    assert subset.labels.tolist() == [3, 0] and len(subset) == 2
    assert torch.equal(subset[0][0], numbered(5).images[3])
