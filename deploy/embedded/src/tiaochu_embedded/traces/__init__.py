"""The trace viewer: collects spans by OTLP/gRPC and shows traces over all services on a page that needs no network."""
