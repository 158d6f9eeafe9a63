package dev.userdirectory;

import static com.tngtech.archunit.base.DescribedPredicate.describe;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noFields;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchCondition;
import org.jspecify.annotations.NullMarked;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.data.repository.CrudRepository;

/** Rules of the architecture that the compiler does not enforce. */
class ArchitectureTest {
    private static final String[] FEATURES = {
        "dev.userdirectory.user..",
        "dev.userdirectory.group..",
        "dev.userdirectory.event..",
        "dev.userdirectory.export..",
        "dev.userdirectory.webhook.."
    };

    /** Excludes generated code, which connects the features as the schema does. */
    private static final JavaClasses CLASSES = new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .withImportOption(location -> !location.contains("/generated/"))
            .importPackages("dev.userdirectory");

    @Test
    void onlyFeaturesKnowFeatures() {
        noClasses()
                .that()
                .resideOutsideOfPackages(FEATURES)
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(FEATURES)
                .because("IDs, pages, policy and errors must not change when a feature does")
                .check(CLASSES);
    }

    @Test
    void operationsKnowNoTransport() {
        noClasses()
                .that()
                .resideInAnyPackage(
                        "dev.userdirectory.graphql..",
                        "dev.userdirectory.page..",
                        "dev.userdirectory.relay..",
                        "dev.userdirectory.input..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(
                        "dev.userdirectory.http..", "dev.userdirectory.subscription..", "dev.userdirectory.token..")
                .because("an operation means the same over HTTP, over a socket and on Lambda")
                .check(CLASSES);
    }

    @Test
    void relayKnowsNoPages() {
        noClasses()
                .that()
                .resideInAPackage("dev.userdirectory.relay..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("dev.userdirectory.page..", "dev.userdirectory.database..")
                .because("IDs, cursors and connections are what Relay specifies, however their rows are read")
                .check(CLASSES);
    }

    @Test
    void databaseKnowsNoGraphQl() {
        noClasses()
                .that()
                .resideInAPackage("dev.userdirectory.database..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("graphql..", "com.netflix.graphql..", "dev.userdirectory.graphql..")
                .because("background work uses the same connections, and answers no operation")
                .check(CLASSES);
    }

    @Test
    void packagesDependOneWay() {
        slices().matching("dev.userdirectory.(*)..")
                .should()
                .beFreeOfCycles()
                .because("features know graphql, which knows no transport: http -> graphql -> database, and never back")
                .check(CLASSES);
    }

    @Test
    void repositoriesDeclareAllQueriesAndUseNoOffsetPages() {
        noClasses()
                .should()
                .dependOnClassesThat(describe(
                        "bring queries or pages of their own",
                        type -> type.isAssignableTo(CrudRepository.class)
                                || type.getPackageName().equals("org.springframework.data.domain")))
                .because("a repository's file shows every query there is,"
                        + " and Spring Data's pages count all rows and read the ones that they skip")
                .check(CLASSES);
    }

    @Test
    void everyPackageIsCheckedForNulls() {
        classes()
                .that()
                .resideInAPackage("dev.userdirectory.*..")
                .should(ArchCondition.from(describe(
                        "be in a package that is @NullMarked",
                        type -> type.getPackage().isAnnotatedWith(NullMarked.class))))
                .because("NullAway checks no other")
                .check(CLASSES);
    }

    @Test
    void nothingIsInjectedIntoFields() {
        noFields()
                .should()
                .beAnnotatedWith(Autowired.class)
                .orShould()
                .beAnnotatedWith(Value.class)
                .because("a constructor shows what a class needs, and lets it be final")
                .check(CLASSES);
    }
}
