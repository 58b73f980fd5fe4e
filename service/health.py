"""/healthz and /readyz: alive, and listening and not draining.

Not whether the database answers: then every receiver would leave the load balancer at once, and the sender would get
the balancer's 503 instead of our 429; and the console's pages could not say what is wrong.
"""

from aiohttp import web

from service.problem import problem


class Health:
    def __init__(self) -> None:
        self.draining = False

    async def alive(self, _: web.Request) -> web.Response:
        return web.json_response({"alive": True})

    async def ready(self, _: web.Request) -> web.Response:
        if self.draining:
            return problem(503, "Draining", "This process is about to stop.")
        return web.json_response({"ready": True})
