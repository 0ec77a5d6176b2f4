"""The servers that the demo and the tests start, as real processes, in a folder of each test's own."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
import redis

from agentops.lab.local import programs, runtime, stack
from agentops.lab.local.errors import LocalError
from agentops.lab.local.ports import require_free, reserved_port
from agentops.lab.local.postgres import Postgres, wait_for_predecessor
from agentops.lab.local.privileges import servant
from agentops.lab.local.processes import Process, Program, Supervisor, run
from agentops.lab.local.runtime import reachable, runnable, scratch_folder, socket_folder
from agentops.lab.local.valkey import Valkey
from tests.waiting import until

root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has another user run its servers")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a space and non-ASCII letters in its name, which the servers' user can enter."""
    with scratch_folder("test") as scratch:
        folder = scratch / "a földer"
        folder.mkdir()
        folder.chmod(0o755)  # whatever the umask is
        yield folder


@pytest.fixture
def closed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that only we may enter, like a home at 0700. Its fallback folder is one of the test's own."""
    closed = folder / "home"
    closed.mkdir(mode=0o700)
    (folder / "lib").mkdir()
    (folder / "lib").chmod(0o755)
    monkeypatch.setattr(runtime, "PLACES", (str(folder / "lib"),))
    return closed


@pytest.fixture
def supervisor(folder: Path) -> Iterator[Supervisor]:
    supervisor = Supervisor(folder / "log")
    yield supervisor
    supervisor.stop()


def started(place: Postgres, supervisor: Supervisor) -> Process:
    process = supervisor.start(place.program(logs=supervisor.logs))
    place.wait(process)
    return process


def connected(place: Postgres) -> psycopg.Connection:
    return psycopg.connect(host=str(place.sockets), user="agentops", dbname="agentops", autocommit=True)


class TestPostgres:
    def test_data_survives_a_restart_and_a_power_cut(self, folder: Path, supervisor: Supervisor) -> None:
        place = Postgres(folder / "postgres", folder / "run")
        process = started(place, supervisor)
        with connected(place) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
        process.stop()
        supervisor.processes.clear()

        process = started(place, supervisor)
        with connected(place) as connection:
            connection.execute("INSERT INTO kept VALUES (2)")
        process.kill()
        supervisor.processes.clear()

        started(place, supervisor)
        with connected(place) as connection:
            assert connection.execute("SELECT one FROM kept ORDER BY one").fetchall() == [(1,), (2,)]
            assert connection.execute("SHOW fsync").fetchone() == ("on",)

    def test_data_of_another_version_is_reported_in_one_line(self, folder: Path) -> None:
        data = folder / "postgres"
        data.mkdir()
        (data / "PG_VERSION").write_text("17\n")
        with pytest.raises(LocalError, match=r"holds data of PostgreSQL 17, and this is 18") as raised:
            Postgres(data, folder / "run").program(logs=folder / "log")
        assert "\n" not in str(raised.value)

    def test_a_second_server_on_the_same_data_is_reported(self, folder: Path, supervisor: Supervisor) -> None:
        place = Postgres(folder / "postgres", folder / "run")
        first = started(place, supervisor)
        with pytest.raises(LocalError, match=rf"Another PostgreSQL \(process {first.pid}\) serves"):
            wait_for_predecessor(place.data, leftover_seconds=0.1)

    def test_a_server_that_is_still_stopping_is_waited_for(
        self, folder: Path, supervisor: Supervisor, capsys: pytest.CaptureFixture[str]
    ) -> None:
        place = Postgres(folder / "postgres", folder / "run")
        first = started(place, supervisor)
        with ThreadPoolExecutor() as threads, connected(place):
            os.kill(first.pid, signal.SIGTERM)  # "smart" shutdown: it waits until the connection is closed
            until(lambda: place.data.joinpath("postmaster.pid").read_text().split()[-1] == "stopping")
            waiting = threads.submit(wait_for_predecessor, place.data, leftover_seconds=0.0, report_seconds=0.0)
            until(lambda: f"Waiting for the previous PostgreSQL (process {first.pid})" in capsys.readouterr().err)
            assert not waiting.done()
        waiting.result()

    def test_a_stale_lock_of_another_program_is_ignored(self, folder: Path, supervisor: Supervisor) -> None:
        place = Postgres(folder / "postgres", folder / "run")
        started(place, supervisor).stop()
        supervisor.processes.clear()
        (place.data / "postmaster.pid").write_text(f"{os.getpid()}\n{place.data}\n")
        started(place, supervisor)

    def test_an_interrupted_initdb_leaves_no_cluster(self, folder: Path, supervisor: Supervisor) -> None:
        place = Postgres(folder / "postgres", folder / "run")
        unfinished = folder / "postgres.unfinished"
        unfinished.mkdir()
        (unfinished / "PG_VERSION").write_text("18\n")
        started(place, supervisor)
        assert not unfinished.exists()


class TestValkey:
    def test_data_survives_a_restart_and_a_kill(self, folder: Path, supervisor: Supervisor) -> None:
        place = Valkey(folder / "valkey", folder / "run")
        for expected, end in ((1, Process.stop), (2, Process.kill), (3, Process.stop)):
            process = supervisor.start(place.program())
            place.wait(process)
            with redis.Redis.from_url(place.url()) as client:
                assert client.incr("count") == expected
                assert client.execute_command("WAITAOF", 1, 0, 5000)[0] == 1
            end(process)
            supervisor.processes.clear()


class TestProcesses:
    def test_the_kernel_ends_a_child_when_its_parent_is_killed(self, folder: Path) -> None:
        script = (
            "import sys, time; from pathlib import Path\n"
            "from agentops.lab.local.processes import Process, Program\n"
            "child = Process(Program('sleeper', ['/bin/sleep', '300']), logs=Path(sys.argv[1]))\n"
            "print(child.pid, flush=True); time.sleep(300)"
        )
        with subprocess.Popen([sys.executable, "-c", script, str(folder)], stdout=subprocess.PIPE, text=True) as parent:
            assert parent.stdout is not None
            child = int(parent.stdout.readline())
            until(lambda: b"sleep" in Path(f"/proc/{child}/cmdline").read_bytes())
            parent.kill()
        until(lambda: not alive(child))

    def test_a_process_that_does_not_stop_in_time_is_killed(self, folder: Path) -> None:
        deaf = ["/bin/sh", "-c", "trap '' TERM; echo deaf; while :; do /bin/sleep 1; done"]
        process = Process(Program("deaf", deaf, stop_seconds=0.2), logs=folder)
        process.wait_until(lambda: process.output() or None)
        process.stop()
        assert process.exit_code == -signal.SIGKILL

    def test_a_failed_start_shows_the_end_of_the_log(self, folder: Path) -> None:
        process = Process(Program("loser", ["/bin/sh", "-c", "echo no luck today; exit 3"]), logs=folder)
        with pytest.raises(LocalError, match=r"loser ended \(3\)(?s:.*)no luck today"):
            process.wait_until(lambda: None)

    def test_a_slow_start_is_waited_for_and_reported(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        os.mkfifo(gate := folder / "gate")
        slow = ["/bin/sh", "-c", f'echo loading; read line <"{gate}"; echo "$line"; exec /bin/sleep 300']
        process = Process(Program("tortoise", slow), logs=folder)
        reported = ""

        def ready() -> bool | None:
            nonlocal reported
            if not reported and (reported := capsys.readouterr().err):
                gate.write_text("ready\n")
            return True if "ready" in process.output() else None

        process.wait_until(ready, report_seconds=0.0)
        process.kill()
        assert reported.startswith(f"Waiting for tortoise (0 s so far). {folder / 'tortoise.log'}: ")

    def test_a_web_server_whose_workers_all_fail_is_not_awaited(self, folder: Path) -> None:
        environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "no.such.settings"}
        with reserved_port() as port:
            process = Process(programs.web(environment, port=port), logs=folder)
            with pytest.raises(LocalError, match=r"web (cannot start|ended \(1\)); see (?s:.*)No module named 'no'"):
                programs.wait_for_web(process, port=port)
            process.stop()

    def test_a_web_server_that_is_still_loading_stops_in_time(self, folder: Path) -> None:
        # A worker is deaf to SIGTERM until it has loaded the application.
        loading = folder / "slowly"
        loading.mkdir()
        os.mkfifo(loading / "gate")
        (loading / "slow_settings.py").write_text(
            f"print('loading', flush=True)\nopen({str(loading / 'gate')!r}).read()\n"
        )
        environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "slow_settings", "PYTHONPATH": str(loading)}
        with reserved_port() as port:
            process = Process(programs.web(environment, port=port, workers=1), logs=folder)
            process.wait_until(lambda: "loading" in process.output() or None)
            process.stop()
        assert process.exit_code == 0

    def test_a_restartable_process_is_restarted(self, supervisor: Supervisor) -> None:
        first = supervisor.start(Program("web", ["/bin/sleep", "300"], restart=True))
        first.kill()
        (said,) = supervisor.heal()
        assert said.startswith("web ended (-9); started again.")
        assert supervisor.processes[0].exit_code is None
        assert supervisor.heal() == []

    def test_the_end_of_any_other_process_ends_everything(self, supervisor: Supervisor) -> None:
        supervisor.start(Program("database", ["/bin/sleep", "300"])).kill()
        with pytest.raises(LocalError, match=r"database ended \(-9\)"):
            supervisor.heal()

    def test_processes_stop_in_reverse_order(self, supervisor: Supervisor, folder: Path) -> None:
        order = folder / "order"
        for name in ("database", "worker"):
            script = f"trap 'echo {name} >>\"{order}\"; exit' TERM; echo ready; while :; do /bin/sleep 0.1; done"
            process = supervisor.start(Program(name, ["/bin/sh", "-c", script]))
            process.wait_until(lambda process=process: process.output() or None)
        supervisor.stop()
        assert order.read_text().split() == ["worker", "database"]


@pytest.mark.parametrize(("family", "address"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_a_port_in_use_is_reported_in_one_line(family: socket.AddressFamily, address: str) -> None:
    with reserved_port() as port:
        require_free(port)
        said = f"^Port {port} is in use; choose another: .*PORT={port + 1}$"
        try:
            server = socket.create_server((address, port), family=family)
        except OSError:
            assert family == socket.AF_INET6
            pytest.skip("this machine has no IPv6")
        with server, pytest.raises(LocalError, match=said):
            require_free(port)


@pytest.mark.parametrize("port", [0, 65536])
def test_an_invalid_port_is_reported_in_one_line(port: int) -> None:
    with pytest.raises(LocalError, match=f"^{port} is not a port: PORT is a number from 1 to 65535"):
        require_free(port)


class TestReach:
    @root
    def test_servers_run_from_a_closed_home_that_stays_closed(self, closed: Path, supervisor: Supervisor) -> None:
        place = Postgres(reachable(closed / "postgres"), socket_folder(closed / "run"))
        started(place, supervisor)
        with psycopg.connect(host=str((closed / "run").resolve()), user="agentops") as connection:
            assert connection.execute("SHOW data_directory").fetchone() == (str((closed / "postgres").resolve()),)
        assert closed.stat().st_mode & 0o777 == 0o700
        assert reachable(closed / "postgres") == place.data

    @root
    def test_data_moves_once_its_home_is_closed(self, closed: Path, supervisor: Supervisor) -> None:
        closed.chmod(0o755)
        before = Postgres(reachable(closed / "postgres"), socket_folder(closed / "run"))
        assert before.data == closed / "postgres"
        started(before, supervisor)
        with connected(before) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
        supervisor.stop()

        closed.chmod(0o700)
        after = Postgres(reachable(closed / "postgres"), socket_folder(closed / "run"))
        assert after.data != before.data
        started(after, supervisor)
        with connected(after) as connection:
            assert connection.execute("SELECT one FROM kept").fetchone() == (1,)

    @root
    def test_data_removed_by_make_clean_is_noticed_and_forgotten(
        self, closed: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("DATABASE_URL")
        reachable(closed / "postgres")
        (closed / "simulator.sqlite3").touch()
        assert not stack.database_removed(closed)
        shutil.rmtree(runtime.runtime_folder())
        assert stack.database_removed(closed)
        stack.remove_data(closed)
        assert list(closed.iterdir()) == []

    @root
    def test_programs_in_a_closed_home_run_from_a_copy(self, closed: Path) -> None:
        (closed / "bin").mkdir()
        shutil.copy("/bin/true", closed / "bin")
        copy = runnable(closed / "bin", version="1")
        run(Program("true", [str(copy / "true")], user=servant(), folder=copy), logs=closed / "log")
        assert copy.is_relative_to(runtime.runtime_folder())

    @root
    def test_programs_installed_only_for_us_run_from_a_copy(self, closed: Path, folder: Path) -> None:
        (folder / "bin").mkdir()
        (folder / "bin").chmod(0o755)
        shutil.copy("/bin/true", folder / "bin")
        assert runnable(folder / "bin", version="2") == folder / "bin"
        runnable.cache_clear()
        (folder / "bin" / "true").chmod(0o700)  # as under umask 077
        copy = runnable(folder / "bin", version="2")
        run(Program("true", [str(copy / "true")], user=servant(), folder=copy), logs=closed / "log")
        assert (folder / "bin" / "true").stat().st_mode & 0o777 == 0o700

    def test_a_runtime_folder_created_by_someone_else_is_refused(self, closed: Path, folder: Path) -> None:
        there = runtime.runtime_folder()
        shutil.rmtree(there)
        there.symlink_to(folder)
        with pytest.raises(LocalError, match=r"is in the way: it was made by someone else\. Remove it\.$"):
            runtime.runtime_folder()

    @root
    def test_a_missing_runtime_folder_is_reported_in_one_line(
        self, closed: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(runtime, "PLACES", (str(closed / "missing"), str(closed)))
        with pytest.raises(LocalError, match=r"move the checkout to a folder that every user may enter") as raised:
            reachable(closed / "postgres")
        assert "\n" not in str(raised.value)

    def test_sockets_use_a_short_folder_if_their_path_is_long(self, closed: Path, folder: Path) -> None:
        assert socket_folder(folder / "run") == folder / "run"
        long = folder / ("long" * 30) / "run"
        short = socket_folder(long)
        assert short.parent == runtime.runtime_folder()
        assert long.resolve() == short
        assert socket_folder(long) == short

    def test_temporary_folders_avoid_a_tmpdir_that_is_too_long(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (folder / "short").mkdir()
        (folder / ("long" * 30)).mkdir()
        monkeypatch.setattr(tempfile, "tempdir", str(folder / ("long" * 30)))
        assert not runtime.scratch_place().is_relative_to(folder)

    @root
    def test_temporary_folders_avoid_a_tmpdir_that_is_closed(
        self, closed: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(tempfile, "tempdir", str(closed))
        assert not runtime.scratch_place().is_relative_to(folder)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
