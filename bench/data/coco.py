"""The 80 classes of COCO, in the order detectors number them, and what other lists call them."""

from __future__ import annotations

NAMES = (
    "person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat", "traffic light",
    "fire hydrant", "stop sign", "parking meter", "bench", "bird", "cat", "dog", "horse", "sheep", "cow", "elephant",
    "bear", "zebra", "giraffe", "backpack", "umbrella", "handbag", "tie", "suitcase", "frisbee", "skis", "snowboard",
    "sports ball", "kite", "baseball bat", "baseball glove", "skateboard", "surfboard", "tennis racket", "bottle",
    "wine glass", "cup", "fork", "knife", "spoon", "bowl", "banana", "apple", "sandwich", "orange", "broccoli",
    "carrot", "hot dog", "pizza", "donut", "cake", "chair", "couch", "potted plant", "bed", "dining table", "toilet",
    "tv", "laptop", "mouse", "remote", "keyboard", "cell phone", "microwave", "oven", "toaster", "sink",
    "refrigerator", "book", "clock", "vase", "scissors", "teddy bear", "hair drier", "toothbrush",
)  # fmt: skip

OTHER_NAMES = {
    "people": "person", "pedestrian": "person", "human": "person", "bike": "bicycle", "cycle": "bicycle",
    "motorbike": "motorcycle", "motor": "motorcycle", "motorcyle": "motorcycle", "vehicle": "car", "lorry": "truck",
}  # fmt: skip
"""What lists of infrared data sets call classes of COCO."""


def coco_id(name: str) -> int | None:
    """The id of a class by its name in any case, or by another name of it; None where COCO has no such class.

    >>> coco_id("People"), coco_id("Lamp")
    (0, None)
    """
    word = name.strip().casefold().replace("_", " ")
    word = OTHER_NAMES.get(word, word)
    return NAMES.index(word) if word in NAMES else None
