# One image for every part; the command says which. Built from the lock file alone, run as a user without rights.
FROM python:3.13-slim AS build
WORKDIR /src
RUN python -m venv /opt/waybill
COPY requirements.lock ./
RUN /opt/waybill/bin/pip install --no-cache-dir --no-deps --require-hashes -r requirements.lock
COPY . .
RUN /opt/waybill/bin/pip install --no-cache-dir "setuptools>=77" \
    && /opt/waybill/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.13-slim
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin waybill \
    && install -d -o waybill -m 0700 /var/lib/waybill
COPY --from=build /opt/waybill /opt/waybill
ENV PATH=/opt/waybill/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 WAYBILL_HOME=/tmp/waybill WAYBILL_HOST=0.0.0.0
USER waybill
WORKDIR /tmp
EXPOSE 8080
# No shell between the container and the part, so that a SIGTERM arrives.
ENTRYPOINT ["waybill"]
CMD ["web"]
