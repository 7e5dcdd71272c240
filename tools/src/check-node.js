// Plain JavaScript that even the oldest Node can parse, so that it can report that Node is too old.
const required = 24;
const major = Number(process.versions.node.split('.')[0]);
if (major < required) {
  console.error(
    `Node.js ${process.versions.node} is too old: ArchPolicy needs ${required} or later. ` +
      'On Linux (x64, arm64) `make setup` installs it; elsewhere install Node.js 24 LTS.',
  );
  process.exitCode = 2;
}
