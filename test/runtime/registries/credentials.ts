// The one user that test registries know.

export const registryCredentials = { username: 'puller', password: 'let-me-in' } as const;

/** The same as a line of htpasswd; Distribution takes bcrypt only, which Node does not have. */
export const htpasswd = 'puller:$2a$04$YpW1j.mbUrjJYu/6c02iNuj.geM6xdekzrJe2VA85V9MYjj.xTk5W\n';

export const basicAuthorization = ({ username, password } = registryCredentials): string =>
  `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;

/** A .dockerconfigjson with the user's password for these hosts, as a Secret holds it. */
export const dockerConfig = (...hosts: string[]): string =>
  JSON.stringify({ auths: Object.fromEntries(hosts.map((host) => [host, { ...registryCredentials }])) });
