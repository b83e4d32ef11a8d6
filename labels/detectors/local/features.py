"""A picture as three views: its structure, its colours, and 64 cells that are scored one by one."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from labels.detectors.local import colour, structure
from labels.detectors.local.pixels import cell_deviations, cell_means, chroma, roughness, square, to_lab

CELLS = 8


@dataclass(frozen=True)
class Views:
    """`structure` and `colour` map a group to its vector, `cells` is (64, 53), `light` is for the words."""

    structure: dict
    colour: dict
    cells: np.ndarray
    light: np.ndarray


def describe(image: Image.Image) -> Views:
    """Return every feature of a picture that needs no training."""
    rgb = square(image)
    lab = to_lab(rgb)
    light = lab[..., 0] / 100
    rough = roughness(light)
    patterns = [structure.binary_patterns(light, radius) for radius in (1, 3)]
    return Views(
        structure={
            "gist": structure.gist(light),
            "edges": structure.edge_histograms(light),
            "patterns": structure.pattern_histograms(patterns),
            "straightness": structure.straightness(light),
        },
        colour={
            "colour_texture": colour.colour_texture(lab, rough),
            "colour_grid": colour.colour_grid(lab, rough),
            "centre_surround": colour.centre_surround(lab, rough),
            "sky_signs": colour.sky_signs(lab, rough),
            "foliage_signs": colour.foliage_signs(lab, rough, rgb),
            "overall": colour.overall(lab, rough, rgb),
        },
        cells=describe_cells(rgb, lab, light, rough, patterns),
        light=light.astype(np.float32),
    )


def describe_cells(rgb, lab, light, rough, patterns: list[np.ndarray]) -> np.ndarray:
    """Return colour, texture and height of each cell of an 8 x 8 grid, and their products: (64, 53)."""
    scaled = lab / colour.LAB_UNITS
    excess = colour.excess_green(rgb)[..., None] * 3
    mean_colour = cell_means(scaled, CELLS)
    mean_rough = np.log(cell_means(rough, CELLS) + 0.003)[..., None]
    mean_excess = cell_means(excess, CELLS)
    base = np.concatenate([mean_colour, mean_rough, mean_excess], -1)
    products = [base[..., i] * base[..., j] for i in range(5) for j in range(i, 5)]
    _, coherence, direction = structure.structure_tensor(light, lambda plane: cell_means(plane, CELLS))
    lean = coherence * np.cos(2 * direction)  # +1 upright edges, -1 level ones
    height = np.broadcast_to(np.linspace(-1, 1, CELLS)[:, None, None], (CELLS, CELLS, 1))
    shares = [np.sqrt(cell_means(np.eye(10)[plane], CELLS)) for plane in patterns]
    parts = [base, cell_deviations(scaled, CELLS), cell_deviations(excess, CELLS)]
    parts += [cell_means(chroma(lab)[..., None] / 25, CELLS), coherence[..., None], lean[..., None]]
    parts += [np.abs(lean)[..., None], *shares, height, height * mean_rough, height * mean_colour]
    parts.append(np.stack(products, -1))
    return np.concatenate(parts, -1).reshape(CELLS * CELLS, -1)
