"""`python -m agentops.lab.simulator` starts the simulated world and prints its address."""

import argparse
import ctypes
import json
import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread

from .demo_tickets import lost_orders
from .faults import BadTable, Faults, Table, default_table, read_table
from .model.api import ModelApi
from .server import Server
from .shop import CUSTOMERS, BadData, Shop, generate, load
from .store import Store
from .world import World

PR_SET_PDEATHSIG = 1


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m agentops.lab.simulator",
        description="Simulated orders, payments, help desk inbox and language model.",
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 (the default) uses a free port")
    parser.add_argument("--data", type=Path, help="folder with orders.json and customers.json")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--customers", type=int, default=CUSTOMERS, help="number of customers of the generated shop")
    parser.add_argument("--trusting", action="store_true", help="payments check only idempotency keys")
    parser.add_argument(
        "--forgetful", action="store_true", help="payments ignore idempotency keys: a repeated request is paid again"
    )
    parser.add_argument("--faults", help="fault table (JSON file), or none (default: a few faults)")
    parser.add_argument("--state", type=Path, help="SQLite file that survives a restart (default: in memory)")
    parser.add_argument(
        "--model-latency",
        type=float,
        default=float(os.environ.get("SIMULATOR_MODEL_LATENCY", "0.05")),
        help="seconds that a model call takes",
    )
    parser.add_argument("--die-with-parent", action="store_true", help="stop when the starting process dies (Linux)")
    return parser.parse_args(arguments)


def table_of(choice: str | None, shop: Shop) -> Table:
    """Return the fault table for --faults. Raises BadTable."""
    if choice is None:
        return default_table(lost_orders(shop))
    if choice == "none":
        return Table()
    try:
        return read_table(Path(choice).read_text(encoding="utf-8"))
    except OSError as missing:
        raise BadTable(f"{choice}: {missing.strerror}") from missing


def build_world(options: argparse.Namespace) -> World:
    """Build the world from the command line. Raises BadData or BadTable if it asks for something impossible."""
    shop = load(options.data) if options.data else generate(options.seed, datetime.now(UTC), options.customers)
    faults = Faults(options.seed, table_of(options.faults, shop))
    model = ModelApi(faults, latency=options.model_latency)
    store = Store(options.state)
    token = os.environ.get("SIMULATOR_TOKEN", "")
    return World(shop, store, faults, model, token, trusting=options.trusting, forgetful=options.forgetful)


def die_with_parent() -> None:
    """Ask the kernel for SIGTERM when the starting thread ends; exit immediately if it has ended already."""
    parent = os.getppid()
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        sys.exit(0)


def serve(server: Server) -> None:
    """Serve until SIGINT or SIGTERM."""
    stopped = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
    print(json.dumps({"listening": server.url}), flush=True)
    stopped.wait()
    server.stopping.set()
    server.shutdown()
    server.server_close()


def main(arguments: list[str] | None = None) -> int:
    options = parse_arguments(arguments)
    if options.die_with_parent:
        die_with_parent()
    try:
        world = build_world(options)
        server = Server((options.host, options.port), world)
    except (BadData, BadTable) as refused:
        print(f"simulator: {refused}", file=sys.stderr)
        return 2
    except OSError as refused:
        where = f"{options.host}:{options.port}"
        print(f"simulator: cannot listen on {where}: {refused.strerror}", file=sys.stderr)
        return 2
    serve(server)
    world.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
