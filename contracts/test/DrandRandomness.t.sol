// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {DrandRandomness} from "../src/DrandRandomness.sol";
import {IDrandRandomness} from "../src/interfaces/IDrandRandomness.sol";
import {IRandomness} from "../src/interfaces/IRandomness.sol";
import {TestVerifier} from "./audits/TestVerifier.sol";
import {Test} from "forge-std/Test.sol";

contract DrandRandomnessTest is Test {
    uint64 private constant GENESIS = 1_692_803_367;
    uint64 private constant PERIOD = 3;
    uint64 private constant MARGIN = 10;

    DrandRandomness private _drand;

    function setUp() public {
        _drand = new DrandRandomness(_beacon());
    }

    function _beacon() private returns (IDrandRandomness.Beacon memory) {
        return IDrandRandomness.Beacon({
            verifier: address(new TestVerifier()), genesis: GENESIS, period: PERIOD, margin: MARGIN
        });
    }

    function _signature(uint64 round) private pure returns (bytes memory) {
        return abi.encodePacked(round, keccak256(abi.encode("signature", round)));
    }

    function test_ASignatureIsASeed() public {
        (IRandomness.Status status, bytes32 seed) = _drand.seed(77);
        assertEq(uint8(status), uint8(IRandomness.Status.Pending));
        bytes32 value = sha256(_signature(77));
        vm.expectEmit(address(_drand));
        emit IDrandRandomness.SeedRecorded(77, value, address(this));
        assertEq(_drand.record(77, _signature(77)), value);
        (status, seed) = _drand.seed(77);
        assertEq(uint8(status), uint8(IRandomness.Status.Ready));
        assertEq(seed, value);
        assertFalse(_drand.biasable());
    }

    /// @dev The first round signed after the margin, no later than that.
    function testFuzz_ARoundIsSignedAfterTheCommitment(uint64 settledAt) public view {
        settledAt = uint64(bound(settledAt, GENESIS - 100, GENESIS + 1e9));
        uint64 round = _drand.roundFor(settledAt, 0);
        uint64 signedAt = GENESIS + (round - 1) * PERIOD;
        assertGt(signedAt, settledAt + MARGIN);
        if (round > 1) assertLe(signedAt - PERIOD, settledAt + MARGIN);
    }

    function test_RevertWhen_TheSignatureIsOfAnotherRound() public {
        vm.expectRevert(abi.encodeWithSelector(IDrandRandomness.DrandRandomness_InvalidSignature.selector, 77));
        _drand.record(77, _signature(78));
    }

    function test_RevertWhen_ItIsRecorded() public {
        _drand.record(77, _signature(77));
        vm.expectRevert(abi.encodeWithSelector(IDrandRandomness.DrandRandomness_AlreadyRecorded.selector, 77));
        _drand.record(77, _signature(77));
    }

    function test_TheBeaconIsFixedAtDeployment() public {
        IDrandRandomness.Beacon memory beacon = _beacon();
        vm.expectEmit();
        emit IDrandRandomness.DrandRandomnessConfigured(beacon);
        assertEq(abi.encode(new DrandRandomness(beacon).beacon()), abi.encode(beacon));
    }

    function create(IDrandRandomness.Beacon memory beacon) external returns (DrandRandomness) {
        return new DrandRandomness(beacon);
    }

    function test_RevertWhen_TheBeaconIsInvalid() public {
        for (uint256 i = 0; i < 4; ++i) {
            IDrandRandomness.Beacon memory beacon = _beacon();
            if (i == 0) beacon.verifier = address(0xbeef);
            if (i == 1) beacon.genesis = 0;
            if (i == 2) beacon.period = 0;
            if (i == 3) beacon.margin = 1 days + 1;
            vm.expectRevert(IDrandRandomness.DrandRandomness_BeaconInvalid.selector);
            this.create(beacon);
        }
    }
}
