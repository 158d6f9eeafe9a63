package dev.userdirectory.platform;

import com.netflix.graphql.dgs.DgsComponent;
import com.netflix.graphql.dgs.DgsRuntimeWiring;
import graphql.scalars.ExtendedScalars;
import graphql.schema.idl.RuntimeWiring;

@DgsComponent
public class Scalars {
    @DgsRuntimeWiring
    public RuntimeWiring.Builder addScalars(RuntimeWiring.Builder wiring) {
        // Without the library's description, the schema's own holds.
        return wiring.scalar(ExtendedScalars.DateTime.transform(scalar -> scalar.description(null)));
    }
}
