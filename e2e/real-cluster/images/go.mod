module archpolicy.dev/e2e/real-cluster/images

go 1.26
