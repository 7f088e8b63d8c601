#!/usr/bin/env bash
# Installs the foreign peers that the tests talk to: mosquitto, mbpoll, Node.js with
# node-opcua and sparkplug-client, and MLflow in a virtual environment of its own.
# Needs root or sudo for Debian packages; without either the tests skip by name (and fail where CI=true).
set -uo pipefail
cd "$(dirname "$0")"

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; elif sudo -n true 2>/dev/null; then sudo "$@"; else return 1; fi
}

missing=()
[ -n "$(command -v mosquitto || ls /usr/sbin/mosquitto 2>/dev/null)" ] || missing+=(mosquitto)
command -v mosquitto_sub >/dev/null || missing+=(mosquitto-clients)
command -v mbpoll >/dev/null || missing+=(mbpoll)
command -v node >/dev/null || missing+=(nodejs)
command -v npm >/dev/null || missing+=(npm)
if [ ${#missing[@]} -gt 0 ] && command -v apt-get >/dev/null; then
  echo "installing test peers: ${missing[*]}"
  # A broker that Debian starts by itself would take port 1883; the tests start their own.
  as_root sh -c 'apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"' sh "${missing[@]}" >/dev/null ||
    echo "could not install ${missing[*]}: the tests that need them will say so"
fi

for peer in node-opcua sparkplug-client; do
  if command -v npm >/dev/null && [ -f "$peer/package-lock.json" ] &&
     ! cmp -s "$peer/package-lock.json" "$peer/node_modules/.installed"; then
    echo "installing test peer: $peer"
    if (cd "$peer" && npm ci --silent --no-audit --no-fund >/dev/null); then
      cp "$peer/package-lock.json" "$peer/node_modules/.installed"
    else
      echo "could not install $peer: the tests that need it will say so"
    fi
  fi
done
# What MLflow shares with Genba (numpy, onnx, pandas ...) it takes from Genba's environment.
genba="$(cd ../.. && pwd)/.venv"
if [ -x "$genba/bin/python" ] && ! cmp -s mlflow/requirements.txt mlflow/.venv/.installed; then
  echo "installing test peer: mlflow"
  if rm -rf mlflow/.venv && "$genba/bin/python" -m venv mlflow/.venv &&
     "$genba/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))' \
       >"$(mlflow/.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/genba.pth" &&
     mlflow/.venv/bin/python -m pip install -q --disable-pip-version-check -r mlflow/requirements.txt; then
    cp mlflow/requirements.txt mlflow/.venv/.installed
  else
    echo "could not install mlflow: the tests that need it will say so"
  fi
fi
exit 0
