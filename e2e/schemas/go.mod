// Modules of other projects that contain CustomResourceDefinitions, pinned. The tests of deploy/ install them.
module archpolicy.dev/e2e/schemas

go 1.26.0

require github.com/cert-manager/cert-manager v1.19.1
