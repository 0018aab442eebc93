"""Ray Serve LLM with our scheduler in its replicas: routing by what readers get, and their reports.

    config = LLMConfig(
        ...,
        engine_kwargs={"scheduler_cls": "andes_backend.AndesScheduler", ...},
        server_cls="andes_backend.ray_serve.server.AndesServer",
        deployment_config={"request_router_config": {
            "request_router_class": "andes_backend.ray_serve.router.ReaderRouter",
            "request_routing_stats_period_s": 1.0,
        }},
    )
    serve.run(build_app([config]))      # of andes_backend.ray_serve.ingress

docs/ray.md says what each of the three is good for; any can be left out, and `autoscaling` added.
Ray is imported by these four only, and nothing else of ours imports them.
"""

__all__: list[str] = []
