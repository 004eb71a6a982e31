/** Shell scripts that tests give to connectors as programs. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../infra/package-root.js';
import type { Folder } from './places.js';

export function script(folder: Folder, name: string, lines: string): string {
  const file = folder.file(name);
  writeFileSync(file, lines.startsWith('#!') ? lines : `#!/bin/sh\n${lines}\n`, { mode: 0o700 });
  return file;
}

/** As it stands in the README, to the letter. */
export function exampleOfReadme(): string {
  const readme = readFileSync(join(packageRoot(), 'connectors', 'command', 'README.md'), 'utf8');
  return /```sh\n(.*?)```/s.exec(readme)?.[1] ?? '';
}

/** Each line is a value in base64, the newest first. */
export const listProgram = `#!/bin/sh
set -eu
cd "$1"
touch "$3"
case $2 in
  held)
    printf '{"base64": ['
    before=
    while read -r line; do printf '%s"%s"' "$before" "$line"; before=,; done <"$3"
    echo ']}'
    ;;
  *)
    value=$(base64 | tr -d '\\n')
    { [ "$2" = forget ] || echo "$value"; grep -vxF "$value" "$3" || true; } >"$3.new"
    mv "$3.new" "$3"
    ;;
esac
`;
