import { ClusterError } from '../errors.ts';

/** What `e2e/tools/go.mod` pins. */
export interface ToolModules {
  /** `v1.36.3`: also what the control plane is told to call itself. */
  readonly kubernetesVersion: string;
  /** `1.26`: the oldest Go that builds it. */
  readonly goVersion: string;
  /** The packages of the `tool` directives. */
  readonly packages: readonly string[];
}

/**
 * Reads a go.mod.
 * @throws ClusterError `toolchain` when it lacks what we need
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

/** The name that `go build` gives to a package's program: the last element of the path that is no version. */
export function programName(packagePath: string): string {
  const elements = packagePath.split('/').filter((element) => !/^v[0-9]+$/.test(element));
  return elements.at(-1) ?? packagePath;
}

/** Without the version clients that compare versions are told v0.0.0. */
export function linkerFlags({ kubernetesVersion }: ToolModules): readonly string[] {
  return ['-trimpath', '-ldflags', `-s -w -X k8s.io/component-base/version.gitVersion=${kubernetesVersion}`];
}
