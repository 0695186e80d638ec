package model_provenance

import rego.v1

default allow := false

evaluated contains "datasets-have-licences"

evaluated contains "weights-are-safetensors"

reasons contains sprintf("the dataset %s has no licence", [d.name]) if {
	some d in input.manifest.datasets
	not d.license
}

reasons contains sprintf("%s is not safetensors", [f.path]) if {
	some f in input.files
	f.role == "weight"
	not endswith(f.path, ".safetensors")
}

allow if {{
	count(input.manifest.datasets) > 0
	count(input.files) > 0
	count(reasons) == 0
}
