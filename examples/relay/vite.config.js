import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';
import relay from 'vite-plugin-relay';

const { DIRECTORY_URL = 'http://localhost:8080/graphql', TOKEN_URL = 'http://localhost:8090/default/token' } = process.env;
const { origin } = new URL(DIRECTORY_URL);

// The page, the service and the token endpoint share one origin, so none of them needs CORS. In production, a reverse proxy
// would do the same.
const proxy = {
  '/graphql': { target: DIRECTORY_URL, ignorePath: true, ws: true, changeOrigin: true, headers: { origin } },
  '/token': { target: TOKEN_URL, ignorePath: true, changeOrigin: true },
};

// Libraries have no GraphQL to compile, but the plugin would parse those that mention it.
const relayInSources = { ...relay, transform: { filter: { id: { exclude: /node_modules/ } }, handler: relay.transform } };

export default defineConfig({
  plugins: [react(), relayInSources],
  server: { proxy },
  preview: { proxy },
  // React and Relay alone are about 500 kB, 145 kB of them compressed.
  build: { chunkSizeWarningLimit: 600 },
});
