// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IFaults} from "../src/interfaces/IFaults.sol";
import {IInferenceSettlement} from "../src/interfaces/IInferenceSettlement.sol";
import {Base} from "./Base.t.sol";

/// @notice Registered operators, and a judge that punishes them.
abstract contract FaultBase is Base {
    /// @dev A committee needs as many; the others are the network around the first.
    uint256 internal constant OPERATORS = 8;
    uint128 internal constant FEE = 1000 ether;

    address internal operator;
    address internal victim = makeAddr("victim");
    uint256 private _offences;

    function setUp() public virtual override {
        super.setUp();
        _registerOperators(OPERATORS);
        operator = operators[0];
    }

    /// @dev A new offence under the terms in force, without cap, victim and beneficiary.
    function _fault(IFaults.Fault fault, address of_) internal returns (IFaults.Punishment memory punishment) {
        punishment = IFaults.Punishment({
            fault: fault,
            operator: of_,
            offence: keccak256(abi.encode("offence", ++_offences)),
            terms: slasher.terms(fault),
            principalCap: type(uint256).max,
            beneficiary: address(0),
            victim: address(0),
            refund: 0
        });
    }

    function _punish(IFaults.Punishment memory punishment)
        internal
        returns (uint256 earningsTaken, uint256 principalTaken)
    {
        vm.prank(judge);
        (earningsTaken, principalTaken) = slasher.punish(punishment);
    }

    function _escrowed(address of_) internal view returns (uint256) {
        IInferenceSettlement.Earnings memory earnings = settlement.earnings(of_);
        return earnings.locked + earnings.claimable + earnings.undrawn;
    }

    /// @dev An event that says what punishing comes to, beside nobody's jail.
    function _expectPunished(IFaults.Punishment memory punishment, uint256 earningsTaken, uint256 principalTaken)
        internal
    {
        uint64 jailSeconds = punishment.terms.jailSeconds;
        vm.expectEmit(address(slasher));
        emit IFaults.FaultPunished(
            punishment.operator,
            punishment.fault,
            punishment.offence,
            punishment.beneficiary,
            punishment.victim,
            earningsTaken,
            principalTaken,
            jailSeconds == 0 ? 0 : _now() + jailSeconds,
            punishment.terms.tombstone
        );
    }
}
