// Plain JavaScript that the oldest Node can parse: its one job is to say that a Node is too old.
const wanted = 24;
const major = Number(process.versions.node.split('.')[0]);
if (major < wanted) {
  console.error(
    `Node.js ${process.versions.node} is too old: ArchPolicy needs ${wanted} or later. ` +
      'On Linux (x64, arm64) `make setup` installs it; elsewhere install Node.js 24 LTS.',
  );
  process.exitCode = 2;
}
