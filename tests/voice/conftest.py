from tests.client.conftest import anyio_backend

__all__ = ["anyio_backend"]
