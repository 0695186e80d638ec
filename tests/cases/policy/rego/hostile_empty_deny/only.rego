package model_provenance

import rego.v1

deny contains "pickle" if {
	some f in input.filez
	endswith(f.path, ".pkl")
}
