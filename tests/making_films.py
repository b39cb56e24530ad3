"""Small films of real pictures, as cameras and phones make them, for the tests of films."""

from fractions import Fraction
from pathlib import Path

import numpy as np

from pixelart_tf.pictures import images

PICTURES = Path(__file__).parent / "data" / "pictures"


def pan(name: str, number: int, *, height: int = 96, width: int = 128, step: int = 4) -> list[np.ndarray]:
    """A window that moves over a picture to the right and back: `number` times uint8 (height, width, 3)."""
    image = images.read(PICTURES / name)
    room = image.shape[1] - width
    lefts = [abs((nth * step + room) % (2 * room) - room) for nth in range(number)]
    return [image[:height, left : left + width] for left in lefts]


def still(name: str, number: int, *, sigma: float, seed: int = 0) -> list[np.ndarray]:
    """A picture that stands still under normal noise, as a camera's in dim light."""
    image, random = images.read(PICTURES / name), np.random.default_rng(seed)
    noisy = (image + random.normal(0, sigma, image.shape) for _ in range(number))
    return [np.clip(np.rint(each), 0, 255).astype(np.uint8) for each in noisy]


def write(
    path: Path,
    frames: list[np.ndarray],
    *,
    times: list[int] | None = None,
    time_base: Fraction = Fraction(1, 12800),
    rate: Fraction = Fraction(25),
    rotation: int = 0,
    pixel_shape: Fraction | None = None,
    sound: str | None = None,
    codec: str = "libx264",
    faststart: bool = False,
) -> Path:
    """Writes a film by PyAV; `times` are whole numbers of `time_base`, and `sound` is the codec of a tone."""
    import av

    options = {"movflags": "+faststart"} if faststart else {}
    with av.open(str(path), "w", container_options=options) as container:
        stream = container.add_stream(codec, rate=rate)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt, stream.options = "yuv420p", {"crf": "10", "bf": "0"}
        stream.time_base = stream.codec_context.time_base = time_base
        if pixel_shape:
            stream.codec_context.sample_aspect_ratio = pixel_shape
        if rotation:
            stream.set_display_rotation(rotation)
        tone = container.add_stream(sound, rate=48000, layout="stereo") if sound else None
        if times is None:
            times = [round(nth / rate / time_base) for nth in range(len(frames))]
        for time, image in zip(times, frames, strict=True):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), "rgb24")
            frame.pts, frame.time_base = time, time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if tone:
            seconds = float(times[-1] * time_base + 1 / rate)
            waves = np.sin(np.arange(int(48000 * seconds)) * 2 * np.pi * 440 / 48000).astype(np.float32)
            for start in range(0, len(waves), 960):
                part = np.tile(waves[start : start + 960] / 2, (2, 1))
                frame = av.AudioFrame.from_ndarray(part, "fltp", "stereo")
                frame.sample_rate, frame.pts, frame.time_base = 48000, start, Fraction(1, 48000)
                container.mux(tone.encode(frame))
            container.mux(tone.encode(None))
    return path


def packets(path: Path, kind: str) -> list[tuple[Fraction, bytes]]:
    """The time and the bytes of each packet of a film's first `"audio"` or `"video"` track."""
    import av

    with av.open(str(path)) as container:
        stream = getattr(container.streams, kind)[0]
        found = [packet for packet in container.demux(stream) if packet.dts is not None]
        return [(packet.pts * packet.time_base, bytes(packet)) for packet in found]


def pictures(path: Path) -> list[tuple[Fraction, np.ndarray]]:
    """The time of each frame, and the frame as uint8 RGB (H, W, 3), as PyAV gives it."""
    import av

    with av.open(str(path)) as container:
        frames = container.decode(video=0)
        return [(frame.pts * frame.time_base, frame.to_ndarray(format="rgb24")) for frame in frames]
