#!/usr/bin/env python3
"""Seconds of a step of `nst studio`, with a page that watches and without, alternately.

    benches/watched.py [SIZE [STEPS [ROUNDS]]]

The page is what its scripts ask for: events, each live picture, and the curves once a second. NST names
a binary. Prints the medians over the rounds and their ratio.
"""
import json, os, pathlib, re, statistics, subprocess, sys, tempfile, threading, time
import http.client

SIZE, STEPS, ROUNDS = (int(n) for n in (sys.argv[1:] + ["256", "40", "7"][len(sys.argv) - 1:]))
ROOT = pathlib.Path(__file__).parent.parent
NST = os.environ.get("NST", str(ROOT / "target/release/nst"))


class Studio:
    def __init__(self, folder):
        self.process = subprocess.Popen([NST, "studio", folder], stderr=subprocess.PIPE, text=True)
        line = self.process.stderr.readline()
        self.host, token = re.search(r"http://([^/]+)/\?token=(\w+)", line).groups()
        port = self.host.split(":")[1]
        self.headers = {"Cookie": f"nst-studio-{port}={token}", "Origin": f"http://{self.host}",
                        "Sec-Fetch-Site": "same-origin", "X-Nst-Studio": "1"}

    def ask(self, method, path, body=None):
        connection = http.client.HTTPConnection(self.host)
        connection.request(method, path, body, self.headers)
        return connection.getresponse()

    def json(self, method, path, body=None):
        answer = self.ask(method, path, body).read()
        return json.loads(answer)

    def events(self):
        for line in self.ask("GET", "/api/events"):
            if line.startswith(b"data: "):
                yield json.loads(line[6:])

    def job(self, number):
        return next(j for j in next(self.events())["jobs"] if j["id"] == number)


def watch(studio, number):
    """What an open page does until the job is over."""
    live, curves = 0, 0.0
    for state in studio.events():
        job = next((j for j in state["jobs"] if j["id"] == number), None)
        if job and job["live"] != live:
            live = job["live"]
            studio.ask("GET", f"/api/jobs/{number}/live.jpg?{live}").read()
        if job and time.monotonic() - curves > 1:
            curves = time.monotonic()
            studio.ask("GET", f"/api/jobs/{number}/curves").read()
        if job and job["status"] == "done":
            return


def paint(studio, ask, folder, watched):
    before = set(os.listdir(folder))
    number = studio.json("POST", "/api/jobs", json.dumps(ask))["id"]
    if watched:
        page = threading.Thread(target=watch, args=(studio, number))
        page.start()
        page.join()
    while not any(name.endswith(".png") for name in set(os.listdir(folder)) - before):
        time.sleep(0.2)
    time.sleep(0.5)
    job = studio.job(number)
    return job["progress"]["seconds"] / job["progress"]["done"]


with tempfile.TemporaryDirectory() as folder:
    studio = Studio(folder)
    photo, painting = (studio.json("POST", f"/api/samples/{name}") for name in ("harbour", "swirl"))
    settings = {"size": str(SIZE), "steps": str(STEPS), "scales": "1", "weights": "builtin"}
    ask = {"content": photo["id"], "styles": [{"id": painting["id"]}], "settings": settings}
    paint(studio, ask, folder, False)
    seconds = {False: [], True: []}
    for k in range(2 * ROUNDS):
        watched = k % 2 == 1
        seconds[watched].append(paint(studio, ask, folder, watched))
    studio.process.terminate()
    without, watched = (statistics.median(seconds[w]) for w in (False, True))
    print(f"{SIZE} px, {ROUNDS} runs of {STEPS} steps each way: {without:.4f} s a step without a page, "
          f"{watched:.4f} s with one that watches: {watched / without:.4f} times")
