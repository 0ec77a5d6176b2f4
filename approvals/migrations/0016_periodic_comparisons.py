from datetime import timedelta

from django.db import migrations, models


def those_from_before(apps, schema_editor):
    """Until now one was known by how far it looked back."""
    comparisons = apps.get_model('approvals', 'Comparison').objects
    comparisons.filter(since__lte=models.F('started_at') - timedelta(days=3)).update(periodic=True)


class Migration(migrations.Migration):

    dependencies = [
        ('approvals', '0015_unreadable_findings'),
    ]

    operations = [
        migrations.AddField(
            model_name='comparison',
            name='periodic',
            field=models.BooleanField(default=False),
        ),
        migrations.RunPython(those_from_before, migrations.RunPython.noop),
    ]
