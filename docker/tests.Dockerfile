# Python with the client package, for tests beside the server: see compose.yaml.
FROM python:3.12-slim
COPY proto /src/proto
COPY client/python /src/client/python
RUN pip install --no-cache-dir /src/client/python
