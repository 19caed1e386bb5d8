"""A gRPC server with the stock health service, set up by one JSON argument: address, cert, key, ca, token, bare.

Services: "" and "orders" are SERVING, "closed" is NOT_SERVING, "unset" is UNKNOWN, "gone" is SERVICE_UNKNOWN.
SIGUSR1 turns "orders" to NOT_SERVING, SIGUSR2 back. With ca it asks for a client certificate, with token for an
`authorization` of that value; with bare it has no health service. Prints "listening", then the metadata of each call, one JSON object a line.
"""
import json
import signal
import sys
from concurrent.futures import ThreadPoolExecutor

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

wanted = json.loads(sys.argv[1])
Status = health_pb2.HealthCheckResponse


class Doorkeeper(grpc.ServerInterceptor):
    def intercept_service(self, continuation, details):
        said = {name: value for name, value in details.invocation_metadata if isinstance(value, str)}
        print(json.dumps(said), flush=True)
        if wanted.get("token") in (None, said.get("authorization")):
            return continuation(details)
        return grpc.unary_unary_rpc_method_handler(
            lambda _request, context: context.abort(grpc.StatusCode.UNAUTHENTICATED, "un jeton périmé: 100%")
        )


def read(path):
    with open(path, "rb") as file:
        return file.read()


def listen(server):
    if "cert" not in wanted:
        return server.add_insecure_port(wanted["address"])
    authority = read(wanted["ca"]) if "ca" in wanted else None
    pair = (read(wanted["key"]), read(wanted["cert"]))
    credentials = grpc.ssl_server_credentials([pair], authority, require_client_auth=authority is not None)
    return server.add_secure_port(wanted["address"], credentials)


servicer = health.HealthServicer()
for name, status in {
    "": Status.SERVING,
    "orders": Status.SERVING,
    "closed": Status.NOT_SERVING,
    "unset": Status.UNKNOWN,
    "gone": Status.SERVICE_UNKNOWN,
}.items():
    servicer.set(name, status)
server = grpc.server(ThreadPoolExecutor(4), interceptors=[Doorkeeper()])
if not wanted.get("bare"):
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
listen(server)
server.start()
signal.signal(signal.SIGUSR1, lambda *_: servicer.set("orders", Status.NOT_SERVING))
signal.signal(signal.SIGUSR2, lambda *_: servicer.set("orders", Status.SERVING))
print("listening", flush=True)
server.wait_for_termination()
