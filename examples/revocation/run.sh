#!/usr/bin/env bash
# A dataset turns out to be poisoned. It is revoked once; the model that was trained on it and the one that was fine-tuned
# from that model are refused wherever they are asked about, and say why; their replacements pass.
#
#   bash run.sh            # in an empty folder, with `model-provenance` on PATH
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export COSIGN_PASSWORD="of the example"

CRAWL=sha256:1212121212121212121212121212121212121212121212121212121212121212
CLEANED=sha256:3434343434343434343434343434343434343434343434343434343434343434

title() { printf '\n== %s\n' "$*"; }

# `expect 14 COMMAND…` runs a command and goes on only if it ends with that status; $said is all that it said.
expect() {
  local wanted=$1 status=0
  shift
  said=$("$@" 2>&1) || status=$?
  printf '%s\n' "$said"
  if [ "$status" != "$wanted" ]; then
    printf 'ended with %s, expected %s: %s\n' "$status" "$wanted" "$*" >&2
    exit 1
  fi
}

# `says TEXT WORDS` goes on only if the words are in the text, `omits` only if they are not.
says() { case $1 in *"$2"*) ;; *) printf 'this was not said: %s\n' "$2" >&2; exit 1 ;; esac }
omits() { case $1 in *"$2"*) printf 'this was said: %s\n' "$2" >&2; exit 1 ;; esac }

# `make_model FOLDER SEED`: some weights, a configuration, a licence. Yours comes from training.
make_model() {
  mkdir -p "$1"
  python3 - "$1" "$2" <<'EOF'
import json, pathlib, sys
folder, header = pathlib.Path(sys.argv[1]), json.dumps({"w": {"dtype": "U8", "shape": [8], "data_offsets": [0, 8]}}).encode()
(folder / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + sys.argv[2].encode().ljust(8)[:8])
(folder / "config.json").write_text('{"architectures": ["LlamaForCausalLM"], "model_type": "llama"}')
(folder / "README.md").write_text("---\nlicense: apache-2.0\n---\n")
EOF
}

# `release NAME VERSION`, described by NAME-VERSION.yaml.
release() {
  model-provenance release "models/$1-$2" --name "$1" --version "$2" --manifest "$1-$2.yaml" --key release.key \
    --sbom-engine native > /dev/null
}

digest_of() { python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["model_digest"])' "dist/$1/receipt.json"; }

# The same question from three sides: the gate before deployment (what `verify/action.yml` runs in CI), the start of the
# server, and who has to explain it.
# `ask STATUS NAME VERSION [--base-evidence DIR]`
ask() {
  local status=$1 name=$2 version=$3
  shift 3
  local about=(--policy policy.yaml --evidence "dist/$name-$version" --name "$name" --version "$version" "$@")
  title "gate: $name $version"
  expect "$status" model-provenance verify "models/$name-$version" "${about[@]}"
  gate=$said
  title "exec: $name $version"
  expect "$status" model-provenance exec "${about[@]}" --receipt receipts.jsonl "models/$name-$version" -- \
    sh -c 'echo "listening: $(wc -c < {file:model.safetensors}) bytes from $(ls {dir} | wc -l) verified files"'
  served=$said
  title "explain: $name $version"
  expect "$status" model-provenance policy explain policy.yaml "models/$name-$version" "${about[@]:2}"
}

title "keys: who releases, and who may revoke, are different people"
model-provenance keygen --output release
model-provenance keygen --output revoker
cp "$here/policy.yaml" policy.yaml

title "a base model, trained on a web crawl, and an assistant, fine-tuned from it"
make_model models/base-1.0.0 poison
printf 'license: Apache-2.0\ndatasets: [{name: web-crawl, digest: "%s"}]\n' "$CRAWL" > base-1.0.0.yaml
release base 1.0.0
make_model models/assistant-1.0.0 tuned
printf 'license: Apache-2.0\nfine_tuned_from: {model: base, digest: "%s"}\n' "$(digest_of base-1.0.0)" > assistant-1.0.0.yaml
release assistant 1.0.0
model-provenance status publish --status-list status --list acme/models --key revoker.key

ask 0 base 1.0.0
ask 0 assistant 1.0.0 --base-evidence dist/base-1.0.0
says "$served" listening

title "the crawl is found to be poisoned: one revocation, and everything that was made from it is listed"
expect 0 model-provenance revoke "$CRAWL" --scope dataset --reason poisoned-data --comment "trigger phrases, advisory 2026-17" \
  --key revoker.key --status-list status --among dist
says "$said" "base 1.0.0"
says "$said" "assistant 1.0.0"

for model in base assistant; do
  more=()
  [ "$model" = base ] || more=(--base-evidence dist/base-1.0.0)
  ask 14 "$model" 1.0.0 ${more[@]+"${more[@]}"}
  for answer in "$gate" "$served" "$said"; do
    says "$answer" "web-crawl"
    says "$answer" "poisoned-data"
  done
  omits "$served" listening
done

title "the same models from cleaned data pass"
make_model models/base-1.0.1 cleaned
printf 'license: Apache-2.0\ndatasets: [{name: web-crawl, digest: "%s"}]\n' "$CLEANED" > base-1.0.1.yaml
release base 1.0.1
make_model models/assistant-1.0.1 retuned
printf 'license: Apache-2.0\nfine_tuned_from: {model: base, digest: "%s"}\n' "$(digest_of base-1.0.1)" > assistant-1.0.1.yaml
release assistant 1.0.1
ask 0 base 1.0.1
ask 0 assistant 1.0.1 --base-evidence dist/base-1.0.1
says "$served" listening

title "what was loaded, and what was not"
python3 - <<'EOF'
import json
for line in open("receipts.jsonl"):
    attributes = json.loads(line)["Attributes"]
    print(attributes["model_provenance.result"], attributes["model_provenance.target"], attributes.get("error.type", ""))
EOF
title "the poisoned models are refused, their replacements run"
