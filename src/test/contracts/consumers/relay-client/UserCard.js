import { graphql } from 'relay-runtime';

export const userCardFragment = graphql`
  fragment UserCard_user on User
  @argumentDefinitions(groups: { type: "Int", defaultValue: 5 })
  @refetchable(queryName: "UserCardRefetchQuery") {
    name
    email
    active
    version
    groups(first: $groups) {
      nodes {
        id
        name
      }
    }
  }
`;
