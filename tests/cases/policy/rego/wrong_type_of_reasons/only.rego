package model_provenance

import rego.v1

allow := true

evaluated := {"datasets-have-licences", "weights-are-safetensors"}

reasons := 0
