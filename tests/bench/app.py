# SPDX-License-Identifier: MIT
"""A small FastAPI service, with the usual Prometheus middleware inside or without.

    BENCH_MIDDLEWARE=asgi python3 -m uvicorn --app-dir tests/bench app:app --port 8000

BENCH_MIDDLEWARE: nothing; "asgi", a plain ASGI middleware; or "http", FastAPI's @app.middleware("http"). Both do
what such middleware does: a request counter and a duration histogram by method, route and status, and a
gauge of requests in progress.
"""
import os
import time

from fastapi import FastAPI, Request

app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
MIDDLEWARE = os.environ.get("BENCH_MIDDLEWARE", "")


@app.get("/api/models/{name}")
async def model(name: str):
    return {"id": name, "context": 200000}


if MIDDLEWARE:
    from prometheus_client import Counter, Gauge, Histogram, make_asgi_app

    LABELS = ("method", "route", "status")
    REQUESTS = Counter("http_requests_total", "Requests.", LABELS)
    SECONDS = Histogram("http_request_duration_seconds", "Their duration.", LABELS)
    IN_PROGRESS = Gauge("http_requests_in_progress", "Requests in progress.", LABELS[:1])
    app.mount("/metrics", make_asgi_app())


def route_of(scope):
    route = scope.get("route")
    return route.path if route else "other"


class Metrics:
    """As a plain ASGI middleware."""

    def __init__(self, app):  # pylint: disable=redefined-outer-name
        self.inner = app

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            await self.inner(scope, receive, send)
            return
        method, status, started = scope["method"], 500, time.perf_counter()

        async def watch(message):
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        IN_PROGRESS.labels(method).inc()
        try:
            await self.inner(scope, receive, watch)
        finally:
            labels = (method, route_of(scope), status)
            REQUESTS.labels(*labels).inc()
            SECONDS.labels(*labels).observe(time.perf_counter() - started)
            IN_PROGRESS.labels(method).dec()


async def metrics(request: Request, call_next):
    """As @app.middleware("http"), the way the tutorials have it."""
    started, status = time.perf_counter(), 500
    IN_PROGRESS.labels(request.method).inc()
    try:
        response = await call_next(request)
        status = response.status_code
        return response
    finally:
        labels = (request.method, route_of(request.scope), status)
        REQUESTS.labels(*labels).inc()
        SECONDS.labels(*labels).observe(time.perf_counter() - started)
        IN_PROGRESS.labels(request.method).dec()


if MIDDLEWARE == "asgi":
    app.add_middleware(Metrics)
elif MIDDLEWARE == "http":
    app.middleware("http")(metrics)
