"""/healthz and /readyz: alive, and listening and not draining. Not whether the database answers: the pages say that."""

from aiohttp import web

from service.problem import problem


class Health:
    def __init__(self) -> None:
        self.draining = False

    async def alive(self, _: web.Request) -> web.Response:
        return web.json_response({"alive": True})

    async def ready(self, _: web.Request) -> web.Response:
        if self.draining:
            return problem(503, "Draining", "This console is about to stop.")
        return web.json_response({"ready": True})
