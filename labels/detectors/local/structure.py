"""Features of form: what is smooth, what is textured, which way edges run, how long lines are.

Functions take the lightness of a 128 x 128 picture (float, 0..1). A picture and its mirror image get the same
vector, patch words excepted: for a linear model that is as good as training on mirrored copies.
"""

import functools

import numpy as np

from labels.detectors.local.pixels import SIDE, THIRDS, box_mean, cell_means

ORIENTATIONS = 8
# Centres of the gist's pass bands, cycles per pixel: how much smaller a spectrum holds the band without loss.
BANDS = {0.32: 1, 0.16: 1, 0.08: 2, 0.04: 4}
PAD = 16
PADDED = SIDE + 2 * PAD
GRID = 4
PATCH = 8


@functools.cache
def _low_pass() -> np.ndarray:
    """Return the transfer function (H, W) of the blur that gives local brightness and contrast."""
    radius, _ = _frequencies()
    cutoff = 4 / PADDED / np.sqrt(np.log(2))
    return np.exp(-((radius / cutoff) ** 2)).astype(np.float32)


@functools.cache
def _gabor_bank(frequency: float) -> np.ndarray:
    """Return transfer functions (8, n, n) around one frequency."""
    radius, angle = _frequencies()
    bank = []
    for turn in range(ORIENTATIONS):
        off = (angle - np.pi * turn / ORIENTATIONS + np.pi) % (2 * np.pi) - np.pi
        bank.append(np.exp(-3.5 * (radius / frequency - 1) ** 2 - 2 * np.pi * off**2))
    return _crop_spectrum(np.array(bank, np.float32), PADDED // BANDS[frequency])


def _frequencies() -> tuple[np.ndarray, np.ndarray]:
    x, y = np.meshgrid(np.fft.fftfreq(PADDED), np.fft.fftfreq(PADDED))
    return np.hypot(x, y), np.arctan2(y, x)


def _crop_spectrum(spectrum: np.ndarray, side: int) -> np.ndarray:
    """Return the low frequencies of (..., n, n) as (..., side, side)."""
    kept = np.r_[: side // 2, -(side // 2) : 0]
    return spectrum[..., kept[:, None], kept]


def gist(light: np.ndarray) -> np.ndarray:
    """Return the energy of 4 scales x 8 orientations on a 4 x 4 grid, mirrored halves merged: 256 numbers.

    Oliva and Torralba, "Modeling the shape of the scene", IJCV 42(3), 2001; contrast is evened out first.
    """
    plane = np.pad(np.log1p(light * 255), PAD, mode="symmetric").astype(np.float32)
    plane = plane - np.fft.ifft2(np.fft.fft2(plane) * _low_pass()).real
    local = np.sqrt(np.abs(np.fft.ifft2(np.fft.fft2(plane**2) * _low_pass()).real))
    spectrum = np.fft.fft2(plane / (0.2 + local))
    cells = np.empty((GRID, GRID, len(BANDS), ORIENTATIONS))
    for scale, (frequency, shrink) in enumerate(BANDS.items()):
        inner = slice(PAD // shrink, -PAD // shrink)
        low = _crop_spectrum(spectrum, PADDED // shrink) / shrink**2
        for turn, band in enumerate(_gabor_bank(frequency)):
            cells[:, :, scale, turn] = cell_means(np.abs(np.fft.ifft2(low * band))[inner, inner], GRID)
    return np.sqrt(_merge_mirrored(cells)).ravel()


def _merge_mirrored(cells: np.ndarray) -> np.ndarray:
    """Return the left half of cells averaged with the mirror image; the last axis holds orientations."""
    mirrored = cells[:, ::-1][..., -np.arange(cells.shape[-1]) % cells.shape[-1]]
    return ((cells + mirrored) / 2)[:, : GRID // 2]


def edge_histograms(light: np.ndarray) -> np.ndarray:
    """Return 8 gradient orientations weighted by strength on a 4 x 4 grid, mirrored halves merged: 64.

    Dalal and Triggs, "Histograms of oriented gradients for human detection", CVPR 2005, without blocks.
    """
    down, across = np.gradient(light)
    strength = np.hypot(across, down)
    position = np.arctan2(down, across) % np.pi / np.pi * ORIENTATIONS
    lower = np.floor(position).astype(int)
    share = position - lower
    bins = np.zeros((*light.shape, ORIENTATIONS))
    rows, columns = np.indices(light.shape)
    bins[rows, columns, lower % ORIENTATIONS] += strength * (1 - share)
    bins[rows, columns, (lower + 1) % ORIENTATIONS] += strength * share
    cells = cell_means(bins, GRID)
    cells = cells / (cells.sum(-1, keepdims=True) + 0.02)  # 0.02: noise in flat cells is no edge
    return np.sqrt(_merge_mirrored(cells)).ravel()


def structure_tensor(light: np.ndarray, mean) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return gradient energy, coherence (0 none .. 1 one direction) and direction (0: a vertical edge).

    `mean` averages a plane over its neighbourhoods.
    """
    down, across = np.gradient(light)
    xx, yy, xy = mean(across**2), mean(down**2), mean(across * down)
    energy = np.maximum(xx + yy, 0)
    coherence = np.sqrt(np.maximum((xx - yy) ** 2 + 4 * xy**2, 0)) / (energy + 1e-4)
    return energy, coherence, 0.5 * np.arctan2(2 * xy, xx - yy)


def straightness(light: np.ndarray) -> np.ndarray:
    """Return how straight, upright and level edges are by thirds, and the longest straight runs: 30."""
    energy, coherence, direction = structure_tensor(light, lambda plane: box_mean(plane, 3))
    strength = np.sqrt(energy)
    from_level = np.abs(np.abs(direction) - np.pi / 2)
    upright, level = np.abs(direction) < np.pi / 16, from_level < np.pi / 16
    slanted = (np.abs(direction) >= 3 * np.pi / 16) & (from_level >= 3 * np.pi / 16)
    edge = strength > 0.03
    straight = edge & (coherence > 0.7)
    kinds = (straight, straight & upright, straight & level, straight & slanted, edge & (coherence < 0.35))
    numbers = []
    for rows in THIRDS:
        edges = edge[rows].sum() + 20  # 20: a handful of edge pixels says nothing about their kind
        numbers += [edge[rows].mean(), *(kind[rows].sum() / edges for kind in kinds)]
        numbers.append(np.log(strength[rows].mean() + 1e-3))
        numbers.append((coherence * strength)[rows].sum() / (strength[rows].sum() + 0.1))
    down, across = np.gradient(light)
    numbers += _longest_runs((np.abs(across) > 0.02) & upright & (coherence > 0.6))
    numbers += _longest_runs(((np.abs(down) > 0.02) & level & (coherence > 0.6)).T)
    return np.array(numbers)


def _longest_runs(mask: np.ndarray) -> list[float]:
    """Return the longest downward run of True, the means of the best 8 and best 32 columns, as shares."""
    mask = mask | np.roll(mask, 1, 1) | np.roll(mask, -1, 1)  # a line may lean by a pixel
    run = longest = np.zeros(mask.shape[1])
    for row in mask:
        run = np.where(row, run + 1, 0)
        longest = np.maximum(longest, run)
    best = np.sort(longest)[::-1] / len(mask)
    return [best[0], best[:8].mean(), best[:32].mean()]


def binary_patterns(light: np.ndarray, radius: int) -> np.ndarray:
    """Return the uniform local binary pattern of each pixel: 0..8 brighter neighbours, 9 irregular.

    Ojala, Pietikainen and Maenpaa, "Multiresolution gray-scale ... texture classification", PAMI 2002.
    """
    shifted = np.lib.stride_tricks.sliding_window_view(np.pad(light, radius, mode="edge"), light.shape)
    ring = ((0, 0), (0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0))  # clockwise
    brighter = np.array([shifted[radius * down, radius * across] > light + 0.01 for down, across in ring])
    changes = (brighter != np.roll(brighter, 1, 0)).sum(0)
    return np.where(changes <= 2, brighter.sum(0), 9)


def pattern_histograms(planes: list[np.ndarray]) -> np.ndarray:
    """Return histograms of planes of local binary patterns for each third: 30 numbers a plane."""
    thirds = [plane[rows].ravel() for plane in planes for rows in THIRDS]
    return np.sqrt(np.concatenate([np.bincount(third, minlength=10) / third.size for third in thirds]))


def patches(light: np.ndarray) -> np.ndarray:
    """Return every second 8 x 8 patch with its mean and contrast taken out: (rows, columns, 64)."""
    windows = np.lib.stride_tricks.sliding_window_view(light.astype(np.float32), (PATCH, PATCH))[::2, ::2]
    flat = windows.reshape(*windows.shape[:2], -1)
    return (flat - flat.mean(-1, keepdims=True)) / np.sqrt(flat.var(-1, keepdims=True) + 0.003)


def word_histograms(light: np.ndarray, arrays: dict) -> np.ndarray:
    """Return how near patches come to each word of the model, by thirds and overall: 4 x words numbers.

    The "triangle" encoding of Coates, Lee and Ng, "An analysis of single-layer networks", AISTATS 2011.
    """
    grid = patches(light)
    white, words = grid.reshape(-1, PATCH**2) @ arrays["whiten"] - arrays["offset"], arrays["words"]
    squared = (white**2).sum(1)[:, None] + (words**2).sum(1) - 2 * white @ words.T
    distance = np.sqrt(np.maximum(squared, 0))
    near = np.maximum(distance.mean(1, keepdims=True) - distance, 0).reshape(*grid.shape[:2], -1)
    height = len(near)
    bands = [near[height * i // 3 : height * (i + 1) // 3].mean((0, 1)) for i in range(3)]
    return np.sqrt(np.concatenate([*bands, near.mean((0, 1))]))
