/**
 * The image and its compose file hold to the repository. No Docker is needed: the image's steps run in a folder that holds what
 * .dockerignore lets through.
 */
import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { repositoryRoot } from '../support/c360.ts';
import { temporaryDirectories } from '../support/local-stores.ts';

const newDirectory = temporaryDirectories();
const read = (name: string) => readFileSync(join(repositoryRoot, name), 'utf8');

/** The Dockerfile's instructions in order, with lines that go on joined. */
const instructions = read('Dockerfile')
  .replaceAll(/^#.*\n/gm, '')
  .replaceAll(/\\\n\s*/g, '')
  .trim()
  .split(/\n+/)
  .map((line) => {
    const [, name, rest] = /^(\w+) (.*)$/.exec(line) ?? [];
    return { name: name!, rest: rest! };
  });
const all = (name: string) => instructions.filter((one) => one.name === name).map(({ rest }) => rest);
const lastStage = instructions.slice(instructions.findLastIndex(({ name }) => name === 'FROM'));
const last = (name: string) => lastStage.findLast((one) => one.name === name)?.rest;

interface Service {
  image: string;
  build: string;
  command: string[];
  user?: string;
  read_only: boolean;
  cap_drop: string[];
  security_opt: string[];
  volumes: string[];
  tmpfs: string[];
  healthcheck?: { test: string[] };
}
const compose = parse(read('compose.yaml'), { merge: true }) as {
  services: Record<string, Service>;
  volumes: Record<string, null>;
};

describe('the image', () => {
  test('has the Node.js that the lockfile pins', () => {
    const { optionalDependencies } = JSON.parse(read('package.json')) as { optionalDependencies: object };
    const version = read('.node-version').trim();
    expect(all('FROM')).toEqual([`node:${version}-slim AS build`, `node:${version}-slim`]);
    expect(new Set(Object.values(optionalDependencies))).toEqual(new Set([version]));
  });

  test('runs as a user who may write to the two volumes alone, which lie apart', () => {
    expect(last('USER')).toBe('node');
    expect(JSON.parse(last('VOLUME')!)).toEqual(['/data', '/keys']);
    expect(last('RUN')).toBe('install -d -o node -g node -m 0700 /data /keys');
    expect(last('ENV')).toMatch(/C360_DATA_DIR=\/data\/c360 C360_KEY_DIR=\/keys\/c360$/);
  });

  test('copies only what is there', () => {
    const copied = all('COPY').flatMap((rest) => rest.split(' ').slice(0, -1));
    expect(copied).toEqual(['package.json', 'package-lock.json', '.', '--from=build', '/app']);
    const allowed = [...read('.dockerignore').matchAll(/^!(.+)$/gm)].map(([, path]) => path!);
    expect(allowed.filter((path) => !existsSync(join(repositoryRoot, path)))).toEqual([]);
  });

  test('of what it copies alone it goes the whole way, and its entry point is the command', async () => {
    const app = imageFolder();
    const steps = all('RUN').find((rest) => rest.includes('demo'))!;
    const commands = steps.replaceAll('/tmp/try', join(app, 'try')).split(' && ');
    expect(commands).toHaveLength(2);
    for (const command of commands) expect(await run(app, command)).toMatchObject({ code: 0 });
    const entry = (JSON.parse(last('ENTRYPOINT')!) as string[]).join(' ');
    expect((await run(app, `${entry} --help`)).stdout).toContain('Customer 360');
    for (const { command } of Object.values(compose.services)) {
      expect(await run(app, `${entry} ${command.join(' ')} --help`)).toMatchObject({ code: 0 });
    }
  }, 180_000);
});

describe('the compose file', () => {
  const services = Object.entries(compose.services);

  test('has the platform that serves, and one for commands', () => {
    expect(services.map(([name, { command }]) => [name, command])).toEqual([
      ['serve', ['serve']],
      ['c360', ['--help']],
    ]);
  });

  test.each(services)('%s writes to its volumes alone, and has no rights beyond', (_, service) => {
    expect(service).toMatchObject({
      image: 'customer-360',
      build: '.',
      read_only: true,
      tmpfs: ['/tmp'],
      cap_drop: ['ALL'],
      security_opt: ['no-new-privileges:true'],
      volumes: ['data:/data', 'keys:/keys'],
    });
    expect(service.user).toBeUndefined();
    expect(Object.keys(compose.volumes)).toEqual(['data', 'keys']);
  });

  test('asks the doctor whether what serves is well', () => {
    const [how, ...command] = compose.services.serve!.healthcheck!.test;
    expect(how).toBe('CMD');
    expect(command).toEqual([...(JSON.parse(last('ENTRYPOINT')!) as string[]), 'doctor']);
  });
});

/** A folder of what .dockerignore lets through, with the packages but nothing that was kept among them. */
function imageFolder(): string {
  const app = newDirectory();
  const lines = read('.dockerignore').trim().split('\n');
  const ignored = lines.filter((line) => /^[^#!*]/.test(line)).map((path) => join(repositoryRoot, path));
  for (const line of lines.filter((one) => one.startsWith('!'))) {
    const filter = (path: string) => !ignored.includes(path);
    cpSync(join(repositoryRoot, line.slice(1)), join(app, line.slice(1)), { recursive: true, filter });
  }
  const packages = join(repositoryRoot, 'node_modules');
  mkdirSync(join(app, 'node_modules'));
  for (const name of readdirSync(packages).filter((one) => one !== '.cache')) {
    symlinkSync(join(packages, name), join(app, 'node_modules', name));
  }
  return app;
}

function run(cwd: string, command: string): Promise<{ code: number; stdout: string; stderr: string }> {
  const [, ...args] = command.split(' ');
  const env = { ...process.env, NODE_OPTIONS: '--disable-warning=ExperimentalWarning', NO_COLOR: '1' };
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd, env, maxBuffer: 2 ** 26 }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code ?? 1) : 0, stdout, stderr }),
    );
  });
}
