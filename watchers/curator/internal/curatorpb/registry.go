package curatorpb

import "google.golang.org/protobuf/reflect/protoregistry"

// The descriptors register here and not in the process-wide registries, which
// panic when two packages bring the same name. A daemon that embeds nodedns
// usually links the curator's original API too, and that has the same names.
var (
	files protoregistry.Files
	types protoregistry.Types
)
