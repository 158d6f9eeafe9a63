import { Suspense, useState } from 'react';
import { RelayEnvironmentProvider } from 'react-relay';
import { ErrorBoundary } from './ErrorBoundary.jsx';
import { openSession } from './session.js';
import { SignIn } from './SignIn.jsx';
import { UserList } from './UserList.jsx';

export function App() {
  const [session, setSession] = useState(null);
  const signOut = () => setSession(null);
  const signIn = async name => setSession(await openSession(name, signOut));
  const startAnew = () => signIn(session.name).catch(signOut);

  return (
    <>
      <header>
        <h1>User Directory</h1>
        {session && (
          <>
            <p>
              Signed in as <strong>{session.name}</strong>
            </p>
            <button onClick={signOut}>Sign out</button>
          </>
        )}
      </header>
      <main>
        {session ? (
          <RelayEnvironmentProvider key={session.cursor} environment={session.environment}>
            <ErrorBoundary>
              <Suspense fallback={<p>Loading…</p>}>
                <UserList session={session} onExpired={startAnew} onUnauthenticated={signOut} />
              </Suspense>
            </ErrorBoundary>
          </RelayEnvironmentProvider>
        ) : (
          <SignIn signIn={signIn} />
        )}
      </main>
    </>
  );
}
