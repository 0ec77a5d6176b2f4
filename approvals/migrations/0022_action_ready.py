# Built while workers run, and so outside a transaction.

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ('approvals', '0021_wakeups_and_agent_days'),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='action',
            index=models.Index(condition=models.Q(('not_before__isnull', True), ('status', 'approved')), fields=['id'], name='action_ready'),
        ),
    ]
