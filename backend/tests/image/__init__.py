"""Tests of the scripts that build the images."""
