"""What a run through the daemon costs: one at a time at a pace, many clients at once, and more than it can do (`scripts/bench serve`).

Always holds: every answer is checked; the floor, a bare interpreter's start, takes turns with what is measured, in the same minute; clients are processes of their
own, whose processor time is told apart from the daemon's and its runs'.
"""

import contextlib
import http.client
import json
import multiprocessing
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "src/client"))

BODY = json.dumps({"code": "return 1"}).encode()
CLIENTS = (1, 2, 8, 32)
START = ["-I", "-S", "-c", "pass"]


class Connection(http.client.HTTPConnection):
    """HTTP over the daemon's socket, kept alive."""

    def __init__(self, path):
        super().__init__("remand", timeout=60)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)

    def run(self):
        """A run; whether its answer is right, and the status."""
        self.request("POST", "/v1/runs", BODY)
        answer = self.getresponse()
        text = answer.read()
        return answer.status == 200 and json.loads(text)["value"] == 1, answer.status


@contextlib.contextmanager
def daemon(remand, scratch, environment):
    """One that has room for what is measured; its socket and process id."""
    config, path = os.path.join(scratch, "serve.jsonc"), os.path.join(scratch, "s.sock")
    tenant = {"users": [str(os.geteuid())], "concurrent": 2 * (os.cpu_count() or 1), "queued": 32}
    with open(config, "w", encoding="utf-8") as file:
        json.dump({"version": 1, "tenants": {"bench": tenant}}, file)
    os.chmod(config, 0o600)
    process = subprocess.Popen([remand, "serve", "--socket", path, "--config", config], env=environment, stderr=subprocess.DEVNULL)
    try:
        while process.poll() is None and not os.path.exists(path):
            time.sleep(0.01)
        yield path, process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def percentiles(times):
    """Milliseconds: of the middle one, of one in a hundred, of one in a thousand; by nearest rank."""
    times = sorted(times)
    return {name: round(1000 * times[max(0, -(-len(times) * part // 1000) - 1)], 2) for name, part in (("p50_ms", 500), ("p99_ms", 990), ("p999_ms", 999))}


def paced(path, python, environment, rounds):
    """One run at a time, in turns, with a pause of as long as it took: half of what the machine could do."""
    import remand

    connection, client = Connection(path), remand.Client(remand.SocketTransport(path))

    def started():
        return subprocess.run([python, *START], env=environment, check=False).returncode == 0

    ways = {
        "python3 -I -S -c pass": started,
        "HTTP, a connection that is kept": lambda: connection.run()[0],
        "HTTP, a connection each": lambda: Connection(path).run()[0],
        "the Python package": lambda: client.run("return 1").value == 1,
    }
    times = {name: [] for name in ways}
    for number in range(-3, rounds):  # the first fill caches and are not counted
        for name, go in ways.items():
            start = time.perf_counter()
            if not go():
                raise SystemExit(f"{name} failed in round {number}")
            took = time.perf_counter() - start
            if number >= 0:
                times[name].append(took)
            time.sleep(took)
    floor = percentiles(times["python3 -I -S -c pass"])["p50_ms"]
    return [{"name": name, **percentiles(spent), "of_python": round(percentiles(spent)["p50_ms"] / floor, 2)} for name, spent in times.items()]


def _asks(path, until, results):
    """A client that asks as fast as it is answered."""
    connection, done = Connection(path), 0
    while time.monotonic() < until:
        good, status = connection.run()
        if not good and status != 429:
            raise SystemExit(f"status {status}")
        done += good
    own = resource.getrusage(resource.RUSAGE_SELF)
    results.put((done, own.ru_utime + own.ru_stime))


def _starts(python, until, results):
    done = 0
    while time.monotonic() < until:
        done += subprocess.run([python, *START], check=False).returncode == 0
    results.put((done, 0.0))


def _together(count, target, *arguments):
    """Runs a second of so many processes, and processor seconds of theirs for each second."""
    results, seconds = multiprocessing.Queue(), 3
    until = time.monotonic() + seconds + 0.2
    clients = [multiprocessing.Process(target=target, args=(*arguments, until, results)) for _ in range(count)]
    for client in clients:
        client.start()
    found = [results.get() for _ in clients]
    for client in clients:
        client.join()
    return sum(done for done, _ in found) / seconds, sum(cpu for _, cpu in found) / seconds


def throughput(path, python):
    """Runs a second by so many clients, beside bare starts by as many."""
    rows = []
    for count in CLIENTS:
        runs, cpu = _together(count, _asks, path)
        starts, _ = _together(count, _starts, python)
        rows.append({"clients": count, "runs_s": round(runs, 1), "starts_s": round(starts, 1), "of_starts": round(runs / starts, 2), "clients_cpu": round(cpu, 2)})
    return rows


def _memory(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))


def overload(path, pid, rate, seconds=5):
    """Twice as many as it can do, whether it answers or not: what is answered well a second, what is refused, the supervisor's memory before and after."""
    good, refused, lock = [0], [0], threading.Lock()

    def one():
        fine, status = Connection(path).run()
        if not fine and status != 429:
            raise SystemExit(f"status {status}")
        with lock:
            good[0] += fine
            refused[0] += not fine

    before, threads, start = _memory(pid), [], time.monotonic()
    for number in range(int(2 * rate * seconds)):
        time.sleep(max(0, start + number / (2 * rate) - time.monotonic()))
        threads.append(threading.Thread(target=one))
        threads[-1].start()
    took = time.monotonic() - start
    for thread in threads:
        thread.join()
    return {"asked_s": round(len(threads) / took, 1), "good_s": round(good[0] / took, 1), "refused_s": round(refused[0] / took, 1),
            "supervisor_kb_before": before, "supervisor_kb_after": _memory(pid)}


def figures(remand, python, environment, scratch, rounds):
    """All of it."""
    with daemon(remand, scratch, environment) as (path, pid):
        found = {"paced": paced(path, python, environment, rounds), "throughput": throughput(path, python)}
        found["overload"] = overload(path, pid, max(row["runs_s"] for row in found["throughput"]))
    return found


def table(found):
    """The figures for people."""
    print(f"{'one at a time':34}{'p50':>9}{'p99':>9}{'p99.9':>9}{'/ python':>9}")
    for row in found["paced"]:
        print(f"  {row['name']:32}{row['p50_ms']:6.2f} ms{row['p99_ms']:6.2f} ms{row['p999_ms']:6.2f} ms{row['of_python']:9.2f}")
    print(f"\n{'clients':>9}{'runs/s':>9}{'starts/s':>9}{'/ starts':>9}   processors of the clients")
    for row in found["throughput"]:
        print(f"{row['clients']:9}{row['runs_s']:9.1f}{row['starts_s']:9.1f}{row['of_starts']:9.2f}   {row['clients_cpu']:.2f}")
    row = found["overload"]
    print(f"\nasked for {row['asked_s']} a second: {row['good_s']} answered, {row['refused_s']} refused at once; the supervisor has "
          f"{row['supervisor_kb_before']} KiB before and {row['supervisor_kb_after']} after")
