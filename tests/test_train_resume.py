"""A run that was stopped goes on, exactly, and as nothing but itself.

"Exactly" is bit for bit, on a CPU.
"""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from tiny_runs import (
    ALWAYS,
    ROOT,
    assert_same_run,
    assert_same_weights,
    copied,
    place,
    refused,
    rows,
    start,
    train,
    train_here,
    weights,
)

from pixelart_tf.pictures import images


def test_a_finished_run_has_nothing_to_resume(experiment, finished, capsys):
    folder, _ = finished
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.suffix in (".npz", ".keras", ".jsonl")}
    (folder / "samples" / "batch.png").unlink()   # of the run's begin: a resume draws none
    train_here(experiment, "--run", folder, "--resume")
    assert "3 epochs and 0 steps" in capsys.readouterr().out
    assert before == {path: path.read_bytes() for path in before}
    assert not (folder / "samples" / "batch.png").exists()


@pytest.mark.slow
def test_kill_and_resume_is_exact(light, finished_light, tmp_path):
    """One run, killed again and again: in writing a checkpoint, in an epoch, between epochs, in writing pictures."""
    folder = tmp_path / "run"
    command = (light, "--run", folder, "--resume", *ALWAYS)
    # Each epoch saves after steps 1, 2, 3 and at its end.
    train(*command, killed=("checkpoint.npz", "while", 1), status=-signal.SIGKILL)
    assert not (folder / "checkpoint.npz").exists()
    train(*command, killed=("checkpoint.npz", "after", 2), status=-signal.SIGKILL)
    assert place(folder) == {"epoch": 0, "step": 2}
    train(*command, killed=("checkpoint.npz", "before", 2), status=-signal.SIGKILL)   # the end of epoch 1
    assert place(folder) == {"epoch": 0, "step": 3}
    assert rows(folder) == []
    train(*command, killed=("autoencoder.keras", "while", 2), status=-signal.SIGKILL)   # epoch 2 is saved, not drawn
    assert (place(folder)["epoch"], place(folder)["step"]) == (2, 0)
    assert [row["epoch"] for row in rows(folder)] == [1]
    train_here(*command)
    assert_same_run(folder, finished_light)
    assert_same_weights(folder, finished_light, "autoencoder.keras")
    left = [path.name for path in folder.rglob(".*")]
    assert not left


@pytest.mark.slow
def test_a_cyclegan_with_all_that_it_remembers_goes_on_exactly(experiment, finished, tmp_path):
    """Pools of pictures, drawn dropout and changed colors, killed within the second epoch."""
    folder = tmp_path / "run"
    command = (experiment, "--run", folder, "--resume", *ALWAYS)
    train(*command, killed=("checkpoint.npz", "after", 6), status=-signal.SIGKILL)
    assert place(folder) == {"epoch": 1, "step": 2}
    train_here(*command)
    assert_same_run(folder, finished[0])
    assert_same_weights(folder, finished[0], "to_target.keras", "to_source.keras")


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_an_interrupt_saves_and_says_how_to_go_on(light, finished_light, tmp_path, capsys, number):
    folder = tmp_path / "run"
    process = start(light, "--run", folder, *ALWAYS)
    deadline = time.monotonic() + 300
    while not (folder / "checkpoint.npz").exists():   # after the first step
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(number)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 130, err
    assert err == ""
    assert "Stopping after this step; press Ctrl-C again to stop at once." in out
    assert f"add --resume to the same command (run folder: {folder})" in out
    train_here(light, "--run", folder, "--resume")
    assert f"{folder}, resumed" in capsys.readouterr().out
    assert_same_run(folder, finished_light)


@pytest.mark.slow
def test_several_steps_an_execution_fill_whole_epochs_and_resume(light, tmp_path, capsys):
    settings = ("--set", "train.steps_per_execution=3", "--set", "train.epochs=2", *ALWAYS)
    train_here(light, "--run", tmp_path / "a", *settings)
    assert "6 an epoch" in capsys.readouterr().out   # 4, rounded up
    assert [row["step"] for row in rows(tmp_path / "a")] == [6, 12]
    killed = ("checkpoint.npz", "after", 3)
    train(light, "--run", tmp_path / "b", *settings, killed=killed, status=-signal.SIGKILL)
    assert place(tmp_path / "b") == {"epoch": 1, "step": 3}
    train_here(light, "--run", tmp_path / "b", *settings, "--resume")
    assert_same_run(tmp_path / "a", tmp_path / "b")


@pytest.mark.slow
def test_on_jax_too_kill_and_resume_is_exact(light, tmp_path, monkeypatch):
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", str(tmp_path / "cache"))   # three starts, one compilation
    monkeypatch.setenv("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
    command = (light, "--backend", "jax", "--set", "train.epochs=2", *ALWAYS)
    out, _ = train(*command, "--run", tmp_path / "a")
    assert "1 x CPU, jax, float32, XLA on" in out
    train(*command, "--run", tmp_path / "b", killed=("checkpoint.npz", "after", 2), status=-signal.SIGKILL)
    assert place(tmp_path / "b") == {"epoch": 0, "step": 2}
    train(*command, "--run", tmp_path / "b", "--resume")
    assert_same_run(tmp_path / "a", tmp_path / "b")
    assert all(np.isfinite(w).all() for w in weights(tmp_path / "b" / "autoencoder.keras"))


def test_a_run_is_not_overwritten_and_resumes_with_its_own_settings_only(experiment, finished, tmp_path, capsys):
    folder, _ = finished
    before = (folder / "config.toml").read_text()
    said = refused(capsys, experiment, "--run", folder)
    assert f"{folder} holds an earlier run: add --resume to go on with it, or --run DIR for another folder" in said
    for key, old, new in (
        ("model.cycle_weight", 10.0, 20.0), ("train.batch_size", 2, 1), ("train.seed", 0, 7),
        ("data.source.jitter", 3, 2), ("model.generator.dropout", 0.5, 0.0), ("optimizer.beta_1", 0.5, 0.9),
    ):
        said = refused(capsys, experiment, "--run", folder, "--resume", "--set", f"{key}={new}")
        assert f"--resume: `{key}` was {old!r} when {folder} began and is {new!r} now" in said
    assert (folder / "config.toml").read_text() == before


def test_a_run_made_before_an_option_existed_goes_on(light, finished_light, tmp_path, capsys):
    """What nobody names comes from the run's own config.toml, then from the defaults."""
    folder = copied(finished_light, tmp_path / "run")
    config_file = folder / "config.toml"
    lines = config_file.read_text().splitlines(keepends=True)
    lines = lines[: lines.index("[run]\n")]
    kept = [line for line in lines if not line.startswith(("distance", "fit"))]
    assert len(kept) == len(lines) - 2
    config_file.write_text("".join(kept))
    train_here(light, "--run", folder, "--resume", "--set", "train.epochs=4")
    assert "Done       3 epochs and 0 steps" in capsys.readouterr().out
    assert [row["epoch"] for row in rows(folder)] == [1, 2, 3, 4]
    assert "distance =" in config_file.read_text()


def test_a_run_goes_on_by_its_folder_alone(finished, tmp_path, capsys):
    folder = copied(finished[0], tmp_path / "run")
    train_here("--run", folder, "--resume", "--dry-run")
    out = capsys.readouterr().out
    assert "7 pictures, 16x16x3" in out   # not the quickstart's
    assert "Done       3 epochs and 0 steps" in out


def test_settings_that_nobody_names_are_those_of_the_run(experiment, finished, tmp_path, capsys):
    """The experiment's file has lost a line since: what the run was begun with holds."""
    folder = copied(finished[0], tmp_path / "run")
    lines = experiment.read_text().splitlines(keepends=True)
    shorter = experiment.parent / "shorter.toml"
    shorter.write_text("".join(line for line in lines if not line.startswith(("jitter", "pool_size", "learning_rate"))))
    train_here(shorter, "--run", folder, "--resume", "--dry-run")
    capsys.readouterr()


def rates(folder):
    return [row["learning_rate"] for row in rows(folder)]


def test_going_on_after_the_end_trains_on(light, finished_light, tmp_path, capsys):
    """The learning rate had fallen to 0 after 3 epochs; 5 more are asked for, at another rate."""
    folder = copied(finished_light, tmp_path / "run")
    before = weights(folder / "autoencoder.keras")
    more = ("--set", "train.epochs=8", "--set", "train.decay_epochs=1", "--set", "optimizer.learning_rate=1e-3")
    train_here(light, "--run", folder, "--resume", *more)
    out = capsys.readouterr().out
    assert "8 epochs, 32 in all, learning rate 0.001, falling over the last 1" in out
    assert "learning rate 0.001" in next(line for line in out.splitlines() if line.startswith("Epoch 4/8"))
    np.testing.assert_allclose(rates(folder), [2e-3, 1e-3, 0, 1e-3, 1e-3, 1e-3, 1e-3, 0], rtol=1e-6)
    assert any((a != b).any() for a, b in zip(before, weights(folder / "autoencoder.keras"), strict=True))


@pytest.mark.slow
def test_a_run_killed_early_can_be_made_longer(light, tmp_path):
    folder = tmp_path / "run"
    train(light, "--run", folder, *ALWAYS, killed=("checkpoint.npz", "after", 2), status=-signal.SIGKILL)
    train_here(light, "--run", folder, "--resume", "--set", "train.epochs=5", "--set", "train.decay_epochs=3")
    np.testing.assert_allclose(rates(folder), [2e-3, 2e-3, 4e-3 / 3, 2e-3 / 3, 0], rtol=1e-5, atol=1e-9)


@pytest.mark.slow
def test_what_a_killed_epoch_owes_is_made_up(light, finished_light, tmp_path):
    """Killed when the state of epoch 2 is saved, and nothing of it is drawn or logged."""
    folder = tmp_path / "run"
    train(light, "--run", folder, killed=("checkpoint.npz", "after", 2), status=-signal.SIGKILL)
    assert [row["epoch"] for row in rows(folder)] == [1]
    assert not (folder / "samples" / "epoch_0002.png").exists()
    train_here(light, "--run", folder, "--resume")
    assert_same_run(folder, finished_light)
    for path in (finished_light / "samples").iterdir():
        assert (folder / "samples" / path.name).read_bytes() == path.read_bytes()
    name = "kept/epoch_0002/autoencoder.keras"   # made up, too: no later epoch would have its weights
    pairs = list(zip(weights(folder / name), weights(finished_light / name), weights(folder / "autoencoder.keras"),
                     strict=True))
    assert all((a == b).all() for a, b, _ in pairs)
    assert any((a != last).any() for a, _, last in pairs)


@pytest.mark.slow
def test_what_the_last_epoch_owes_is_made_up(light, finished_light, tmp_path):
    folder = tmp_path / "run"
    train(light, "--run", folder, killed=("checkpoint.npz", "after", 3), status=-signal.SIGKILL)
    assert not (folder / "samples" / "epoch_0003.png").exists()
    train_here(light, "--run", folder, "--resume")
    assert_same_run(folder, finished_light)
    assert (folder / "autoencoder.keras").exists()


def test_a_run_is_of_the_pictures_that_it_was_begun_with(experiment, finished, tmp_path, capsys):
    """Some are gone: that is told. All are there, in another folder: that is allowed."""
    folder = copied(finished[0], tmp_path / "run")
    moved = tmp_path / "moved"
    shutil.copytree(experiment.parent / "source", moved)
    arguments = [experiment, "--run", folder, "--resume", "--dry-run", "--set", f"data.source.files={moved}"]
    train_here(*arguments)
    assert f"7 pictures, 16x16x3, {moved}" in capsys.readouterr().out
    (moved / "3.png").unlink()
    said = refused(capsys, *arguments)
    assert f"--resume: the pictures of `data.source.files` are not those that {folder} began with: 7 pictures (" in said
    assert "then, 6 pictures (" in said
    images.write(moved / "3.png", np.zeros((20, 24, 3), np.uint8))   # another one of the same name
    assert "are not those" in refused(capsys, *arguments)


def test_two_trainings_in_one_folder_are_refused(experiment, finished, tmp_path, capsys):
    folder = copied(finished[0], tmp_path / "run")
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        said = refused(capsys, experiment, "--run", folder, "--resume")
    finally:
        os.close(handle)
    assert f"{folder}: another training is going on here" in said


def test_a_lock_dies_with_its_process(tmp_path):
    from pixelart_tf.training.lock import FolderInUse, locked

    code = f"import time; from pixelart_tf.training.lock import locked; from pathlib import Path\n" \
        f"with locked(Path({str(tmp_path)!r})): print(1, flush=True); time.sleep(600)"
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=ROOT)
    assert process.stdout.readline() == b"1\n"
    with pytest.raises(FolderInUse), locked(tmp_path):
        pass
    process.kill()
    process.wait()
    with locked(tmp_path):
        pass


def test_nothing_to_resume_is_said(experiment, tmp_path, capsys):
    train_here(experiment, "--run", tmp_path / "run", "--resume", "--dry-run")
    assert f"{tmp_path / 'run'}, a new one: nothing to resume" in capsys.readouterr().out


def test_a_checkpoint_that_is_gone_is_told_and_the_log_stays(experiment, finished, tmp_path, capsys):
    folder = copied(finished[0], tmp_path / "run")
    (folder / "checkpoint.npz").unlink()
    log = (folder / "log.jsonl").read_bytes()
    said = refused(capsys, experiment, "--run", folder, "--resume")
    assert "log.jsonl tells of 3 epochs, but checkpoint.npz is gone" in said
    assert (folder / "log.jsonl").read_bytes() == log


def test_the_precision_is_the_runs(experiment, finished, tmp_path, capsys):
    folder = copied(finished[0], tmp_path / "run")
    said = refused(capsys, experiment, "--run", folder, "--resume", "--precision", "mixed_bfloat16")
    assert f"--precision: {folder} was begun with float32. Received: mixed_bfloat16" in said


@pytest.mark.slow
def test_a_run_in_float16_goes_on_in_float16(light, tmp_path):
    folder = tmp_path / "run"
    one = ("--set", "train.epochs=1", "--set", "train.decay_epochs=0")
    out, _ = train(light, "--run", folder, "--precision", "mixed_float16", *one)
    assert "mixed_float16" in out
    out, _ = train(light, "--run", folder, "--resume", "--set", "train.epochs=2", "--set", "train.decay_epochs=0")
    assert "mixed_float16" in out   # not what `auto` is on a CPU
    assert [row["epoch"] for row in rows(folder)] == [1, 2]


def test_a_broken_checkpoint_is_named(experiment, finished, tmp_path, capsys):
    folder = tmp_path / "run"
    folder.mkdir()
    for name in ("config.toml", "log.jsonl", "checkpoint.npz"):
        (folder / name).write_bytes((finished[0] / name).read_bytes())
    content = (folder / "checkpoint.npz").read_bytes()
    (folder / "checkpoint.npz").write_bytes(content[: len(content) // 2])
    said = refused(capsys, experiment, "--run", folder, "--resume")
    assert f"{folder / 'checkpoint.npz'}: not a checkpoint, or a broken one" in said
    (folder / "checkpoint.npz").write_bytes(content)
    (folder / "log.jsonl").write_text("not a log\n")
    assert "log.jsonl: not a log of a run any more" in refused(capsys, experiment, "--run", folder, "--resume")
