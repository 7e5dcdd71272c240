import { ClusterError } from '../errors.ts';

/** The versions and packages that `e2e/tools/go.mod` pins. */
export interface ToolModules {
  /** `v1.36.3`, also the version that the control plane reports. */
  readonly kubernetesVersion: string;
  /** `1.26`: minimum Go version. */
  readonly goVersion: string;
  /** The packages of the `tool` directives. */
  readonly packages: readonly string[];
}

/**
 * Parses a go.mod.
 * @throws ClusterError `Toolchain` if a part is missing
 */
export function parseGoMod(text: string): ToolModules {
  const kubernetesVersion = /^\s*(?:require\s+)?k8s\.io\/kubernetes\s+(v[0-9][^\s]*)/m.exec(text)?.[1];
  const goVersion = /^go\s+([0-9]+\.[0-9]+)/m.exec(text)?.[1];
  const block = /^tool\s*\(([^)]*)\)/m.exec(text)?.[1] ?? '';
  const single = [...text.matchAll(/^tool\s+([^\s(]+)\s*$/gm)].map((match) => match[1] ?? '');
  const packages = [...block.split('\n').map((line) => line.trim()), ...single].filter((line) => line !== '');
  if (kubernetesVersion === undefined || goVersion === undefined || packages.length === 0) {
    throw new ClusterError(
      'Toolchain',
      'e2e/tools/go.mod must have a go line, tool lines and a version of k8s.io/kubernetes',
    );
  }
  return { kubernetesVersion, goVersion, packages };
}

/** Returns the name that `go build` gives to a package's program: the last path element that is not a version. */
export function programName(packagePath: string): string {
  const elements = packagePath.split('/').filter((element) => !/^v[0-9]+$/.test(element));
  return elements.at(-1) ?? packagePath;
}

/** Returns flags that set the version of the control plane. Without them, clients that compare versions see v0.0.0. */
export function linkerFlags({ kubernetesVersion }: ToolModules): readonly string[] {
  return ['-trimpath', '-ldflags', `-s -w -X k8s.io/component-base/version.gitVersion=${kubernetesVersion}`];
}
