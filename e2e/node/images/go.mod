module archpolicy.dev/e2e/node/images

go 1.26
