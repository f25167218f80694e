"""The simulator as a Django app: it only lends `manage.py` its command."""

from django.apps import AppConfig


class SimulatorConfig(AppConfig):
    name = "refreshops.simulator"
    label = "simulator"
