"""python -m tests.bench.asking <port> <host> <seconds>: the 99th of a hundred requests' times, in seconds."""

import http.client
import sys
import time

from tests.bench.measure import Samples

PAUSE_S = 0.002


def main(port: int, host: str, seconds: float) -> None:
    samples, until = Samples(), time.monotonic() + seconds
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    while time.monotonic() < until:
        start = time.perf_counter()
        connection.request("GET", "/", headers={"Host": host})
        answer = connection.getresponse()
        answer.read()
        samples.add(time.perf_counter() - start)
        assert answer.status == 200
        time.sleep(PAUSE_S)
    sys.stdout.write(f"{samples.quantile(0.99)}\n")


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], float(sys.argv[3]))
