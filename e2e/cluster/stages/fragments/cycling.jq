(if (.spec.initContainers // [] | length) > 0 then .status.initContainerStatuses else .status.containerStatuses end // [])[0]
