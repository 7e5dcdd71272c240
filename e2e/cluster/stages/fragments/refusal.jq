(.metadata.annotations["testkit.archpolicy.dev/platforms"] // "") as $platforms
| (.spec.nodeName // "" | split("-")[0]) as $architecture
| ({"amd64": ["amd64", "386"], "arm64": ["arm64", "arm"]}[$architecture] // [$architecture]) as $native
| ([$platforms | splits(" *, *") | split("/") | select(.[0] == "linux") | .[1]] | any(. as $one | $native | index($one))) as $fits
| if $platforms == "" or $fits then "none"
elif .metadata.annotations["testkit.archpolicy.dev/refused-at"] == "pull" then "pull"
elif .metadata.annotations["testkit.archpolicy.dev/emulated"] == "true" then "none"
else "exec" end
