from django.db import migrations

from approvals.policy.rules import Rules


def first_policy(apps, schema_editor):
    """Until an admin sets thresholds, every effect on money waits for a person."""
    apps.get_model("approvals", "PolicyVersion").objects.create(
        rules=Rules().model_dump(mode="json"), note="Initial policy: every refund and cancellation needs approval."
    )


class Migration(migrations.Migration):
    dependencies = [("approvals", "0002_alter_providerpause_options_and_more")]
    operations = [migrations.RunPython(first_policy, migrations.RunPython.noop)]
