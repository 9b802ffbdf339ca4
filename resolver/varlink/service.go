package varlink

import (
	"context"
	_ "embed" // for the descriptions
	"runtime/debug"
)

//go:embed org.varlink.service.varlink
var serviceDescription string

// service is the interface that every socket has: it describes the others.
func service(others []Interface) Interface {
	all := make([]Interface, 0, 1+len(others))
	own := Interface{Name: "org.varlink.service", Description: serviceDescription}
	own.Methods = map[string]Method{
		"GetInfo": func(context.Context, *Call) (any, error) {
			info := serviceInfo{
				Vendor: "nodedns", Product: "nodedns", Version: version(),
				URL: "https://github.com/nodedns/nodedns",
			}
			for _, i := range all {
				info.Interfaces = append(info.Interfaces, i.Name)
			}
			return info, nil
		},
		"GetInterfaceDescription": func(_ context.Context, call *Call) (any, error) {
			var p struct {
				Interface string `json:"interface"`
			}
			if err := call.Decode(&p); err != nil {
				return nil, err
			}
			for _, i := range all {
				if i.Name == p.Interface {
					return interfaceText{i.Description}, nil
				}
			}
			return nil, errInterfaceNotFound(p.Interface)
		},
	}
	all = append(append(all, own), others...)
	return own
}

type serviceInfo struct {
	Vendor     string   `json:"vendor"`
	Product    string   `json:"product"`
	Version    string   `json:"version"`
	URL        string   `json:"url"`
	Interfaces []string `json:"interfaces"`
}

type interfaceText struct {
	Description string `json:"description"`
}

// version is that of this module in the program, as far as the build info has
// it.
func version() string {
	const path = "github.com/nodedns/nodedns"
	build, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if build.Main.Path == path {
		return build.Main.Version
	}
	for _, module := range build.Deps {
		if module.Path == path {
			return module.Version
		}
	}
	return "unknown"
}
